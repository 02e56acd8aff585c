// Gradients of a norm's gain and bias, summed over the rows in two passes of fixed order: `sum_rows` sums `chunk` rows for
// each column, `total` sums the chunks. Neighbouring invocations own neighbouring columns, so every load is coalesced.

override rows: u32; // R
override width: u32; // C
override chunk: u32; // rows a partial sum covers
override chunks: u32; // ceil(R / chunk)

@group(0) @binding(0) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(1) var<storage, read> mean: array<f32>; // [R]
@group(0) @binding(2) var<storage, read> rstd: array<f32>; // [R]
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [R, C]
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>; // [chunks, C] of (gain, bias)

@compute @workgroup_size(64)
fn sum_rows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= chunks * width) { return; }
  let column = index % width;
  let first = index / width * chunk;
  var sums = vec2f();
  for (var row = first; row < min(first + chunk, rows); row++) {
    let at = row * width + column;
    sums += gradient[at] * vec2f((x[at] - mean[row]) * rstd[row], 1);
  }
  partials[index] = sums;
}

@group(0) @binding(0) var<storage, read> chunk_sums: array<vec2f>; // partials
@group(0) @binding(1) var<storage, read_write> gain_gradient: array<f32>; // [C]
@group(0) @binding(2) var<storage, read_write> bias_gradient: array<f32>; // [C]

fn sum_of_chunks(column: u32) -> vec2f {
  var sums = vec2f();
  for (var index = column; index < chunks * width; index += width) { sums += chunk_sums[index]; }
  return sums;
}

@compute @workgroup_size(64)
fn total(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < width) { gain_gradient[id.x] = sum_of_chunks(id.x).x; }
}

@compute @workgroup_size(64)
fn total_with_bias(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= width) { return; }
  let sums = sum_of_chunks(id.x);
  gain_gradient[id.x] = sums.x;
  bias_gradient[id.x] = sums.y;
}
