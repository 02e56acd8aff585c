// SwiGLU and its gradient, one element of the output an invocation. A row of x [R, 2 F] holds F gates, then F values.
// with: swiglu

override elements: u32; // R * F
override width: u32; // F

@group(0) @binding(0) var<storage, read> x: array<f32>; // [R, 2 F]
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // forward [R, F], backward [R, 2 F]
@group(0) @binding(2) var<storage, read> gradient: array<f32>; // [R, F]

@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  let at = i / width * width + i; // of the gate
  out[i] = swiglu_of(vec2f(x[at], x[at + width]));
}

@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  let at = i / width * width + i;
  let slopes = swiglu_gradients(vec2f(x[at], x[at + width]), gradient[i]);
  out[at] = slopes.x;
  out[at + width] = slopes.y;
}
