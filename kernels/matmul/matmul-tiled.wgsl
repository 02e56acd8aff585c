// C[m, n] = A B + bias for GPUs: a workgroup of 256 makes 64 x 64 of C, an invocation 4 x 4 of it in registers. Tiles of A and B,
// 16 deep, go through workgroup memory, A transposed so that an invocation reads four rows at once.
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

const tile = 64u; // rows and columns of C a workgroup
const depth = 16u;
const pitch = tile + 4; // keeps the columns of a stored tile out of one memory bank

var<workgroup> left: array<f32, depth * pitch>; // A, [depth, tile]
var<workgroup> right: array<f32, depth * pitch>; // B, [depth, tile]

/// Loads four elements of each operand. Neighbouring invocations read neighbouring elements, whichever way an operand lies.
fn stage(first: u32, row: u32, column: u32, lane: u32) {
  for (var part = 0u; part < 4; part++) {
    let at = part * 256 + lane;
    let along = vec2u(at % tile, at / tile); // the operand's rows or columns are neighbours
    let across = vec2u(at / depth, at % depth); // its depth is
    let i = select(across, along, a_row == 1);
    let j = select(across, along, b_column == 1);
    var value = vec2f();
    if (row + i.x < m && first + i.y < k) { value.x = a[(row + i.x) * a_row + (first + i.y) * a_column]; }
    if (column + j.x < n && first + j.y < k) { value.y = b[(first + j.y) * b_row + (column + j.x) * b_column]; }
    left[i.y * pitch + i.x] = value.x;
    right[j.y * pitch + j.x] = value.y;
  }
}

fn four(at: u32) -> vec4f {
  return vec4f(right[at], right[at + 1], right[at + 2], right[at + 3]);
}

@compute @workgroup_size(16, 16)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * tile;
  let column = group.x * tile;
  var sums: array<vec4f, 4>;
  for (var first = 0u; first < k; first += depth) {
    stage(first, row, column, lane);
    workgroupBarrier();
    for (var p = 0u; p < depth; p++) {
      let at = p * pitch + local.y * 4;
      let values = four(p * pitch + local.x * 4);
      sums[0] += left[at] * values;
      sums[1] += left[at + 1] * values;
      sums[2] += left[at + 2] * values;
      sums[3] += left[at + 3] * values;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4; i++) {
    for (var j = 0u; j < 4; j++) { store(row + local.y * 4 + i, column + local.x * 4 + j, sums[i][j]); }
  }
}

fn store(i: u32, j: u32, value: f32) {
  if (i >= m || j >= n) { return; }
  var total = value;
  if (biased) { total += bias[j]; }
  c[i * n + j] = total;
}
