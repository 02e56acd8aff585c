// C[m, n] = norm(x) B for GPUs in tiles of 64 x 64; matmul-norm-large.wgsl has the same in tiles of 128 x 128.

const tile = 64u;

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

// <prelude matmul-norm>
// The product of a norm's output, over matmul-tile: A is normalized on its way in, from statistics that each workgroup takes of its
// own rows. Workgroups of the first column of tiles also write the normalized rows and their statistics, for the backward pass.

override m: u32;
override n: u32;
override k: u32;
override b_row: u32;
override b_column: u32;
override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override shift: u32; // where in `scales` the norm's bias begins, a multiple of 4; 0: it has none
override epsilon: f32;
override biased: bool; // the product's bias is added to each row; without, `bias` is any buffer
override activates: bool; // `second` is GELU(C)

@group(0) @binding(0) var<storage, read> input: array<f32>; // [m, k]
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>; // the norm's gain [k], and its bias [k]
@group(0) @binding(0) var<storage, read> input_vectors: array<vec4f>; // input
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b
@group(0) @binding(2) var<storage, read> scale_vectors: array<vec4f>; // scales
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second: array<f32>; // [m, n]; a scratch if unused
@group(0) @binding(6) var<storage, read_write> normed: array<f32>; // [m, k]
@group(0) @binding(6) var<storage, read_write> normed_vectors: array<vec4f>; // normed
@group(0) @binding(7) var<storage, read_write> statistics: array<vec2f>; // [m] of (mean, rstd)

var<workgroup> parts: array<vec2f, 256>;
var<workgroup> own_rows: array<vec2f, tile>; // statistics of this workgroup's rows
var<private> writes: bool; // what is normalized is also written

fn a_element(product: Product, at: u32) -> f32 {
  let column = at % k;
  let row = own_rows[at / k % tile];
  var value = (input[at] - row.x) * row.y * scales[column];
  if (shift > 0) { value += scales[shift + column]; }
  if (writes) { normed[at] = value; }
  return value;
}

fn a_vector(product: Product, at: u32) -> vec4f {
  let column = at % (k / 4);
  let row = own_rows[at / (k / 4) % tile];
  var value = (input_vectors[at] - row.x) * row.y * scale_vectors[column];
  if (shift > 0) { value += scale_vectors[shift / 4 + column]; }
  if (writes) { normed_vectors[at] = value; }
  return value;
}

fn b_element(product: Product, at: u32) -> f32 { return b[at]; }
fn b_vector(product: Product, at: u32) -> vec4f { return b_vectors[at]; }

fn put(product: Product, part: u32, i: u32, j: u32, sum: f32) {
  if (i >= m || j >= n) { return; }
  var value = sum;
  if (biased) { value += bias[j]; }
  c[i * n + j] = value;
  if (activates) { second[i * n + j] = value * gelu_gate(value); }
}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {}

const sharers = 256 / tile; // invocations that share a row

/// The row that an invocation takes a part of.
fn row_of(place: vec3u, index: u32) -> u32 {
  return min(place.y * tile + index / sharers, m - 1);
}

/// Sums of a row are taken about its first element, so that little cancels in the variance.
fn pivot_of(first: f32) -> f32 {
  return select(0.0, first, centred);
}

/// Makes `own_rows` from sums of (x - pivot) and of its square, the parts of which the invocations hold.
fn share_statistics(place: vec3u, index: u32, sums: vec2f, pivot: f32) {
  parts[index] = sums;
  workgroupBarrier();
  if (index % sharers == 0) {
    var total = vec2f();
    for (var other = 0u; other < sharers; other++) { total += parts[index + other]; }
    let means = total / f32(k);
    let mean = select(0.0, means.x, centred);
    let row = vec2f(pivot + mean, inverseSqrt(max(means.y - mean * mean, 0) + epsilon));
    own_rows[index / sharers] = row;
    if (writes) { statistics[row_of(place, index)] = row; }
  }
  workgroupBarrier();
}

fn only_product() -> Product {
  return Product(m, n, k, k, 1, b_row, b_column, k, false, false);
}

/// For any shape.
@compute @workgroup_size(16, 16)
fn by_one(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  writes = place.x == 0;
  let at = row_of(place, index) * k;
  let pivot = pivot_of(input[at]);
  var sums = vec2f();
  for (var column = index % sharers; column < k; column += sharers) {
    let value = input[at + column] - pivot;
    sums += vec2f(value, value * value);
  }
  share_statistics(place, index, sums, pivot);
  make_by_one(only_product(), place, local.x, local.y, index);
}

/// For rows of input and b that are multiples of four long.
@compute @workgroup_size(16, 16)
fn by_four(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  writes = place.x == 0;
  let at = row_of(place, index) * (k / 4);
  let pivot = pivot_of(input_vectors[at].x);
  var sums = vec2f();
  for (var column = index % sharers; column < k / 4; column += sharers) {
    let value = input_vectors[at + column] - pivot;
    sums += vec2f(dot(value, vec4f(1)), dot(value, value));
  }
  share_statistics(place, index, sums, pivot);
  make_by_four(only_product(), place, local.x, local.y, index);
}
// </prelude>

// <prelude matmul-tile>
// A workgroup of 16 x 16 makes `tile` x `tile` of C, an invocation a block of 4 x 4 for each pair of 64 rows and 64 columns.
// `depth` rows of A and B at a time go through workgroup memory, both stored [depth, tile], while the next ones are on their
// way into registers. The first 128 invocations load A, the others B: each one block of 4 x 4, as four vectors along
// whichever way the operand lies. Strides say which, so that one kernel serves NN, NT and TN.
// A workgroup's place is (x, y, z): x tiles of columns, y tiles of rows, z parts of the sum over k.
// Who includes this says where operands come from and results go to: a_element, a_vector, b_element, b_vector (each by number),
// put and put_column_sum, which take what lies beyond the edges too.

const depth = 2048 / tile; // 128 blocks of 4 x 4 an operand
const groups = tile / 64; // of 64 rows or columns
const lanes = tile / 4; // vectors a row of a stored operand
const pitch = lanes + 1; // keeps stored columns out of one memory bank

/// C[m, n] = A B as part of a dispatch.
struct Product {
  m: u32,
  n: u32,
  k: u32,
  a_row: u32, // elements from A(i, p) to A(i + 1, p)
  a_column: u32, // elements from A(i, p) to A(i, p + 1)
  b_row: u32,
  b_column: u32,
  part_depth: u32, // of k, that a workgroup sums; a multiple of 64 unless it is all of k
  sums_columns: bool, // of B, over its rows
  is_second: bool, // of two
}

alias Sums = array<vec4f, 4 * groups * groups>; // [(4 * row group + row) * groups + column group]

var<workgroup> left: array<vec4f, depth * pitch>; // of A
var<workgroup> right: array<vec4f, depth * pitch>; // of B

/// Which 4 x 4 block of its operand an invocation loads. Neighbours in memory go to neighbouring invocations.
struct Share {
  is_a: bool,
  is_along: bool, // vectors run along the tile, not along k
  lane: u32, // of the tile, four rows of A or columns of B
  deep: u32, // of the depth, in fours
}

fn share_of(product: Product, index: u32) -> Share {
  let is_a = index < 128;
  let at = index % 128;
  let is_along = select(product.b_column == 1, product.a_row == 1, is_a);
  const deeps = depth / 4;
  return Share(is_a, is_along, select(at / deeps, at % lanes, is_along), select(at % deeps, at / lanes, is_along));
}

/// Four vectors of an operand, whose rows or columns lie anyhow: element by element.
fn load_by_one(product: Product, share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  var block: mat4x4f;
  for (var q = 0u; q < 4; q++) {
    for (var s = 0u; s < 4; s++) {
      let p = first + share.deep * 4 + q;
      let along = select(origin.x, origin.y, share.is_a) + share.lane * 4 + s;
      if (p >= end || along >= select(product.n, product.m, share.is_a)) { continue; }
      if (share.is_a) { block[q][s] = a_element(product, along * product.a_row + p * product.a_column); }
      else { block[q][s] = b_element(product, p * product.b_row + along * product.b_column); }
    }
  }
  return block;
}

/// As load_by_one, for operands whose rows as they lie in memory are multiples of four long: a vector is inside or outside.
fn load_by_four(product: Product, share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  let along = select(origin.x, origin.y, share.is_a) + share.lane * 4;
  let most = select(product.n, product.m, share.is_a);
  let p = first + share.deep * 4;
  var block: mat4x4f;
  for (var s = 0u; s < 4; s++) {
    let i = select(along + s, along, share.is_along);
    let q = select(p, p + s, share.is_along);
    if (i >= most || q >= end) { continue; }
    if (share.is_a) { block[s] = a_vector(product, (i * product.a_row + q * product.a_column) / 4); }
    else { block[s] = b_vector(product, (q * product.b_row + i * product.b_column) / 4); }
  }
  if (share.is_along) { return block; }
  return transpose(block);
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
fn finish(product: Product, sums: ptr<function, Sums>, place: vec3u, x: u32, y: u32) {
  for (var index = 0u; index < 4 * groups * groups; index++) {
    let i = place.y * tile + index / (4 * groups) * 64 + y * 4 + index / groups % 4;
    let j = place.x * tile + index % groups * 64 + x * 4;
    for (var lane = 0u; lane < 4; lane++) { put(product, place.z, i, j + lane, (*sums)[index][lane]); }
  }
}

/// Sums B over its rows: `own` is the sum of the vectors of B that an invocation loaded.
fn finish_columns(product: Product, own: vec4f, share: Share, place: vec3u, index: u32) {
  if (place.y > 0) { return; }
  if (!share.is_a) { left[share.deep * pitch + share.lane] = own; }
  workgroupBarrier();
  if (index >= lanes) { return; }
  var total = vec4f();
  for (var deep = 0u; deep < depth / 4; deep++) { total += left[deep * pitch + index]; }
  for (var lane = 0u; lane < 4; lane++) {
    put_column_sum(product, place.z, place.x * tile + index * 4 + lane, total[lane]);
  }
}

/// For any shape.
fn make_by_one(product: Product, place: vec3u, x: u32, y: u32, index: u32) {
  let share = share_of(product, index);
  let origin = place.xy * tile;
  let end = min(product.k, (place.z + 1) * product.part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_one(product, share, origin, place.z * product.part_depth, end);
  for (var first = place.z * product.part_depth; first < end; first += depth) {
    keep(block, share);
    if (product.sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_one(product, share, origin, first + depth, end); }
    multiply(&sums, x, y);
    workgroupBarrier();
  }
  finish(product, &sums, place, x, y);
  if (product.sums_columns) { finish_columns(product, column_sums, share, place, index); }
}

fn make_by_four(product: Product, place: vec3u, x: u32, y: u32, index: u32) {
  let share = share_of(product, index);
  let origin = place.xy * tile;
  let end = min(product.k, (place.z + 1) * product.part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_four(product, share, origin, place.z * product.part_depth, end);
  for (var first = place.z * product.part_depth; first < end; first += depth) {
    keep(block, share);
    if (product.sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_four(product, share, origin, first + depth, end); }
    multiply(&sums, x, y);
    workgroupBarrier();
  }
  finish(product, &sums, place, x, y);
  if (product.sums_columns) { finish_columns(product, column_sums, share, place, index); }
}
// </prelude>
