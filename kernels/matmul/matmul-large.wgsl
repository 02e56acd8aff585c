// C[m, n] = A B for GPUs in tiles of 128 x 128; matmul-small.wgsl has the same in tiles of 64 x 64.

const tile = 128u;

// <prelude gelu>
// GELU in the tanh form of GPT-2, written with a logistic function, whose exponential cannot overflow to NaN:
// GELU(x) = x s(x), s(x) = (1 + tanh u) / 2 = 1 / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3).

const gelu_linear = 1.5957691216; // 2 sqrt(2 / pi)
const gelu_cubic = 0.0713548163; // 0.044715 of it

fn gelu_gate(x: f32) -> f32 {
  return 1 / (1 + exp(clamp(-x * (gelu_linear + gelu_cubic * x * x), -80, 80)));
}

fn gelu_slope(x: f32) -> f32 {
  let s = gelu_gate(x);
  return s + x * s * (1 - s) * (gelu_linear + 3 * gelu_cubic * x * x);
}
// </prelude>

// <prelude matmul-store>
// Where products end: bias, slope of a GELU and residual are added on the way out, and a GELU of the result goes beside it.

override m: u32;
override n: u32;
override k: u32;
override a_row: u32; // elements from A(i, p) to A(i + 1, p)
override a_column: u32; // elements from A(i, p) to A(i, p + 1)
override b_row: u32; // elements from B(p, j) to B(p + 1, j)
override b_column: u32;
override biased: bool; // a bias is added to each row; without, `bias` is any buffer
override slopes: bool; // times GELU'(extra): what is written is the gradient by the argument of a GELU
override adds: bool; // plus `extra`: a residual, or another contribution to a gradient
override activates: bool; // `second` is GELU(C)
override sums_columns: bool; // `second` is the sum of B over its rows: the gradient of a bias

@group(0) @binding(2) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> extra: array<f32>; // [m, n]; any buffer if unused
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second: array<f32>; // [m, n] or [n]; a scratch if unused

fn store(i: u32, j: u32, product: f32) {
  if (i >= m || j >= n) { return; }
  let at = i * n + j;
  var value = product;
  if (biased) { value += bias[j]; }
  if (slopes) { value *= gelu_slope(extra[at]); }
  if (adds) { value += extra[at]; }
  c[at] = value;
  if (activates) { second[at] = value * gelu_gate(value); }
}
// </prelude>

// <prelude matmul-tile>
// A workgroup of 16 x 16 makes `tile` x `tile` of C, an invocation a block of 4 x 4 for each pair of 64 rows and 64 columns.
// `depth` rows of A and B at a time go through workgroup memory, both stored [depth, tile], while the next ones are on their
// way into registers. The first 128 invocations load A, the others B: each one block of 4 x 4, as four vectors along
// whichever way the operand lies. Strides say which, so that one kernel serves NN, NT and TN.
// Workgroups (x, y, z): x tiles of columns, y tiles of rows, z parts of the sum over k.

const depth = 2048 / tile; // 128 blocks of 4 x 4 an operand
const groups = tile / 64; // of 64 rows or columns
const lanes = tile / 4; // vectors a row of a stored operand
const pitch = lanes + 1; // keeps stored columns out of one memory bank

override part_depth: u32; // of k, that a workgroup sums; a multiple of 64 unless it is all of k
override part_pitch: u32; // elements of c from one part of the sum to the next; used when there are several

alias Sums = array<vec4f, 4 * groups * groups>; // [(4 * row group + row) * groups + column group]

var<workgroup> left: array<vec4f, depth * pitch>; // of A
var<workgroup> right: array<vec4f, depth * pitch>; // of B

/// Which 4 x 4 block of its operand an invocation loads. Neighbours in memory go to neighbouring invocations.
struct Share {
  is_a: bool,
  lane: u32, // of the tile, four rows of A or columns of B
  deep: u32, // of the depth, in fours
}

fn share_of(index: u32) -> Share {
  let is_a = index < 128;
  let at = index % 128;
  let is_along = select(b_column == 1, a_row == 1, is_a);
  const deeps = depth / 4;
  return Share(is_a, select(at / deeps, at % lanes, is_along), select(at % deeps, at / lanes, is_along));
}

fn keep(block: mat4x4f, share: Share) {
  for (var q = 0u; q < 4; q++) {
    let at = (share.deep * 4 + q) * pitch + share.lane;
    if (share.is_a) { left[at] = block[q]; } else { right[at] = block[q]; }
  }
}

/// Sums += the product of what workgroup memory holds.
fn multiply(sums: ptr<function, Sums>, x: u32, y: u32) {
  for (var p = 0u; p < depth; p++) {
    var columns: array<vec4f, groups>;
    for (var group = 0u; group < groups; group++) { columns[group] = right[p * pitch + group * 16 + x]; }
    for (var group = 0u; group < groups; group++) {
      let rows = left[p * pitch + group * 16 + y];
      for (var other = 0u; other < groups; other++) {
        let at = group * 4 * groups + other;
        (*sums)[at] += rows.x * columns[other];
        (*sums)[at + groups] += rows.y * columns[other];
        (*sums)[at + 2 * groups] += rows.z * columns[other];
        (*sums)[at + 3 * groups] += rows.w * columns[other];
      }
    }
  }
}

/// Writes C, or this part of its sum.
fn finish(sums: ptr<function, Sums>, group: vec3u, x: u32, y: u32) {
  let is_part = part_depth < k;
  for (var index = 0u; index < 4 * groups * groups; index++) {
    let i = group.y * tile + index / (4 * groups) * 64 + y * 4 + index / groups % 4;
    let j = group.x * tile + index % groups * 64 + x * 4;
    for (var lane = 0u; lane < 4; lane++) {
      let value = (*sums)[index][lane];
      if (!is_part) { store(i, j + lane, value); }
      else if (i < m && j + lane < n) { c[group.z * part_pitch + i * n + j + lane] = value; }
    }
  }
}

/// Sums B over its rows: `own` is the sum of the vectors of B that an invocation loaded. Parts of it lie behind those of C.
fn finish_columns(own: vec4f, share: Share, group: vec3u, index: u32) {
  if (group.y > 0) { return; }
  if (!share.is_a) { left[share.deep * pitch + share.lane] = own; }
  workgroupBarrier();
  if (index >= lanes) { return; }
  var total = vec4f();
  for (var deep = 0u; deep < depth / 4; deep++) { total += left[deep * pitch + index]; }
  for (var lane = 0u; lane < 4; lane++) {
    let j = group.x * tile + index * 4 + lane;
    if (j >= n) { return; }
    if (part_depth < k) { c[group.z * part_pitch + m * n + j] = total[lane]; } else { second[j] = total[lane]; }
  }
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;

/// Four vectors of an operand, whose rows or columns lie anyhow: element by element.
fn load_by_one(share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  var block: mat4x4f;
  for (var q = 0u; q < 4; q++) {
    for (var s = 0u; s < 4; s++) {
      let p = first + share.deep * 4 + q;
      let along = select(origin.x, origin.y, share.is_a) + share.lane * 4 + s;
      if (p >= end || along >= select(n, m, share.is_a)) { continue; }
      if (share.is_a) { block[q][s] = a[along * a_row + p * a_column]; }
      else { block[q][s] = b[p * b_row + along * b_column]; }
    }
  }
  return block;
}

/// For any shape.
@compute @workgroup_size(16, 16)
fn by_one(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let share = share_of(index);
  let origin = group.xy * tile;
  let end = min(k, (group.z + 1) * part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_one(share, origin, group.z * part_depth, end);
  for (var first = group.z * part_depth; first < end; first += depth) {
    keep(block, share);
    if (sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_one(share, origin, first + depth, end); }
    multiply(&sums, local.x, local.y);
    workgroupBarrier();
  }
  finish(&sums, group, local.x, local.y);
  if (sums_columns) { finish_columns(column_sums, share, group, index); }
}

@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b

/// As load_by_one, for operands whose rows as they lie in memory are multiples of four long: a vector is inside or outside.
fn load_by_four(share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  let along = select(origin.x, origin.y, share.is_a) + share.lane * 4;
  let most = select(n, m, share.is_a);
  let p = first + share.deep * 4;
  let is_along = select(b_column == 1, a_row == 1, share.is_a);
  var block: mat4x4f;
  for (var s = 0u; s < 4; s++) {
    let i = select(along + s, along, is_along);
    let q = select(p, p + s, is_along);
    if (i >= most || q >= end) { continue; }
    if (share.is_a) { block[s] = a_vectors[(i * a_row + q * a_column) / 4]; }
    else { block[s] = b_vectors[(q * b_row + i * b_column) / 4]; }
  }
  if (is_along) { return block; }
  return transpose(block);
}

@compute @workgroup_size(16, 16)
fn by_four(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let share = share_of(index);
  let origin = group.xy * tile;
  let end = min(k, (group.z + 1) * part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_four(share, origin, group.z * part_depth, end);
  for (var first = group.z * part_depth; first < end; first += depth) {
    keep(block, share);
    if (sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_four(share, origin, first + depth, end); }
    multiply(&sums, local.x, local.y);
    workgroupBarrier();
  }
  finish(&sums, group, local.x, local.y);
  if (sums_columns) { finish_columns(column_sums, share, group, index); }
}
// </prelude>
