// C[m, n] = A B + bias for software adapters: 4 x 4 of C an invocation, in registers, with neither workgroup memory nor barriers.
// Strides say how A and B lie, so that one kernel serves NN, NT and TN.

override m: u32;
override n: u32;
override k: u32;
override a_row: u32; // elements from A(i, p) to A(i + 1, p)
override a_column: u32; // elements from A(i, p) to A(i, p + 1)
override b_row: u32; // elements from B(p, j) to B(p + 1, j)
override b_column: u32;
override biased: bool; // without, `bias` is any buffer

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(3) var<storage, read_write> c: array<f32>; // [m, n]

@compute @workgroup_size(8, 8)
fn matmul(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 4;
  let column = id.x * 4;
  if (row >= m || column >= n) { return; }
  // Beyond the edge the last row or column is computed again, and not stored.
  let rows = min(vec4u(row, row + 1, row + 2, row + 3), vec4u(m - 1));
  let columns = min(vec4u(column, column + 1, column + 2, column + 3), vec4u(n - 1));
  var tile: array<vec4f, 4>;
  if (biased) {
    let offset = vec4f(bias[columns.x], bias[columns.y], bias[columns.z], bias[columns.w]);
    tile = array(offset, offset, offset, offset);
  }
  var at_a = rows * a_row;
  var at_b = columns * b_column;
  for (var p = 0u; p < k; p++) {
    let right = vec4f(b[at_b.x], b[at_b.y], b[at_b.z], b[at_b.w]);
    tile[0] += a[at_a.x] * right;
    tile[1] += a[at_a.y] * right;
    tile[2] += a[at_a.z] * right;
    tile[3] += a[at_a.w] * right;
    at_a += vec4u(a_column);
    at_b += vec4u(b_row);
  }
  for (var i = 0u; i < 4 && row + i < m; i++) {
    for (var j = 0u; j < 4 && column + j < n; j++) { c[(row + i) * n + column + j] = tile[i][j]; }
  }
}
