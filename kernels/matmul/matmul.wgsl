// C[m, n] = A B for GPUs. Parts of its sum lie one after the other in c, each with its share of the column sums behind it.
// with: matmul-gates, matmul-tile, tile-registers | tile-matrices

const tile = 128u; // variants: 64u, 128u

override part_depth: u32; // of k, that a workgroup sums; a multiple of 64 unless it is all of k
override part_pitch: u32; // elements of c from one part of the sum to the next; used when there are several
override a_factor: f32 = 1;
override b_factor: f32 = 1;
override a_scale: f32 = 1;
override b_scale: f32 = 1;

alias A = f32;
alias B = f32;

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4<A>>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4<B>>; // b

fn a_element(product: Product, at: u32) -> f32 { return f32(a[at]) / a_scale; }
fn b_element(product: Product, at: u32) -> f32 { return f32(b[at]) / b_scale; }
fn a_vector(product: Product, at: u32) -> vec4f { return vec4f(a_vectors[at]) / a_scale; }
fn b_vector(product: Product, at: u32) -> vec4f { return vec4f(b_vectors[at]) / b_scale; }

fn put(product: Product, part: u32, i: u32, j: u32, value: f32) {
  if (part_depth == k) { store(i, j, value); }
  else if (i < m && j < n) { put_in_c(part * part_pitch + i * n + j, value); }
}

/// Four neighbours in a row of C, from column j on.
fn put_four(product: Product, part: u32, i: u32, j: u32, values: vec4f) {
  for (var lane = 0u; lane < 4; lane++) { put(product, part, i, j + lane, values[lane]); }
}

fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {
  store_pair(i, j, sums);
}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {
  if (j >= n) { return; }
  if (part_depth == k) { put_in_second(j, value); } else { put_in_c(part * part_pitch + m * n + j, value); }
}

fn only_product() -> Product {
  return Product(m, n, k, a_row, a_column, b_row, b_column, part_depth, sums_columns, false, gates, a_factor, b_factor);
}

/// For any shape.
@compute @workgroup_size(256)
fn by_one(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  make_by_one(only_product(), place, index);
}

/// For operands whose rows as they lie in memory are multiples of four long.
@compute @workgroup_size(256)
fn by_four(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  make_by_four(only_product(), place, index);
}
