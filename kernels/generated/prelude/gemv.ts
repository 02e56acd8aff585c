// Made from kernels/prelude/gemv.wgsl by `npm run generate`. Do not edit.
export const gemvPrelude = `// C[m, n] = A B with at most \`most_rows\` rows, as decoding has them. All of the time goes into reading B once, so that neighbouring
// invocations read neighbouring elements, and many at a time.
// Who includes this says what B is: b_vector and b_element (four elements or one, by number), and \`prepare\`, which runs first.
// with: matmul-store

const most_rows = 8u;
const lanes = 256u;
const row_lanes = 32u; // invocations that share a row of B^T
const column_lanes = 4u; // invocations side by side, four columns each
const slices = lanes / column_lanes; // of k

@group(0) @binding(0) var<storage, read> a: array<f32>; // [m, k]
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // [m, k / 4]

var<workgroup> dots: array<f32, lanes>;
var<workgroup> sums: array<vec4f, lanes>;

/// B^T [n, k] lies in memory, k a multiple of 4: 32 invocations a row of it, 8 rows a workgroup.
@compute @workgroup_size(lanes)
fn transposed(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  prepare(lane);
  let j = (group.y * groups.x + group.x) * (lanes / row_lanes) + lane / row_lanes;
  let first = min(j, n - 1) * (k / 4);
  var own: array<f32, most_rows>;
  for (var p = lane % row_lanes; p < k / 4; p += row_lanes) {
    let four = b_vector(first + p);
    for (var i = 0u; i < m; i++) { own[i] += dot(a_vectors[i * (k / 4) + p], four); }
  }
  for (var i = 0u; i < m; i++) {
    dots[lane] = own[i];
    for (var half = row_lanes / 2; half > 0; half /= 2) {
      workgroupBarrier();
      if (lane % row_lanes < half) { dots[lane] += dots[lane + half]; }
    }
    if (lane % row_lanes == 0) { store(i, j, dots[lane]); }
    workgroupBarrier();
  }
}

/// B [k, n] lies in memory, n a multiple of 4: 16 columns a workgroup, k in 64 slices.
@compute @workgroup_size(lanes)
fn plain(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  prepare(lane);
  let column = (group.y * groups.x + group.x) * column_lanes + lane % column_lanes; // of vectors
  let at = min(column, n / 4 - 1);
  var own: array<vec4f, most_rows>;
  for (var p = lane / column_lanes; p < k; p += slices) {
    let four = b_vector(p * (n / 4) + at);
    for (var i = 0u; i < m; i++) { own[i] += a[i * k + p] * four; }
  }
  for (var i = 0u; i < m; i++) {
    sums[lane] = own[i];
    for (var half = slices / 2; half > 0; half /= 2) {
      workgroupBarrier();
      if (lane < half * column_lanes) { sums[lane] += sums[lane + half * column_lanes]; }
    }
    if (lane < column_lanes && column < n / 4) {
      for (var part = 0u; part < 4; part++) { store(i, column * 4 + part, sums[lane][part]); }
    }
    workgroupBarrier();
  }
}

/// Any B, one invocation a column: for software adapters, and where nothing is a multiple of 4.
@compute @workgroup_size(64)
fn single(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  prepare(lane);
  let j = id.y * groups.x * 64 + id.x;
  if (j >= n) { return; }
  var own: array<f32, most_rows>;
  for (var p = 0u; p < k; p++) {
    let element = b_element(p * b_row + j * b_column);
    for (var i = 0u; i < m; i++) { own[i] += a[i * k + p] * element; }
  }
  for (var i = 0u; i < m; i++) { store(i, j, own[i]); }
}`;
