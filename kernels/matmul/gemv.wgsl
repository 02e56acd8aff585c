// C[m, n] = A B with few rows and B as it is.
// with: gemv

@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b

fn prepare(lane: u32) {}
fn b_element(at: u32) -> f32 { return b[at]; }
fn b_vector(at: u32) -> vec4f { return b_vectors[at]; }
