// Made from kernels/matmul/matmul-norm.wgsl by `npm run generate`. Do not edit.
import { geluPrelude } from './prelude/gelu.ts';
import { matmulTilePrelude } from './prelude/matmul-tile.ts';
import { storedPrelude } from './prelude/stored.ts';
import { swigluPrelude } from './prelude/swiglu.ts';
import { tileRegistersPrelude } from './prelude/tile-registers.ts';
import { tileMatricesPrelude } from './prelude/tile-matrices.ts';

const entryPoints = {
  by_one: {
    bindings: [
      {"number":0,"name":"input","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"scales","access":"read","type":"array<f32>"},
      {"number":3,"name":"bias","access":"read","type":"array<f32>"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
      {"number":6,"name":"normed","access":"write","type":"array<Normed>","stored":"Normed"},
      {"number":7,"name":"statistics","access":"write","type":"array<vec2f>"},
    ],
    required: ["activates","b_column","b_row","biased","centred","epsilon","gates","k","m","n","shift"],
    optional: ["a_factor","b_factor","keeps"],
  },
  by_four: {
    bindings: [
      {"number":0,"name":"input_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"scale_vectors","access":"read","type":"array<vec4f>"},
      {"number":3,"name":"bias","access":"read","type":"array<f32>"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
      {"number":6,"name":"normed_vectors","access":"write","type":"array<vec4<Normed>>","stored":"Normed"},
      {"number":7,"name":"statistics","access":"write","type":"array<vec2f>"},
    ],
    required: ["activates","b_column","b_row","biased","centred","epsilon","gates","k","m","n","shift"],
    optional: ["a_factor","b_factor","keeps","weighs"],
  },
} as const;

const own = `// C[m, n] = norm(x) B for GPUs: A is normalized on its way in, from statistics that each workgroup takes of its own rows. For the
// backward pass, workgroups of the first column of tiles also write the statistics, and the normalized rows or, in workgroups below
// the last rows, what the norm's gradient wants of the parameters (see leave_weights).
// with: gelu, matmul-tile, stored, swiglu, tile-registers | tile-matrices

const tile = 128u; // variants: 64u, 128u

override m: u32;
override n: u32;
override k: u32;
override b_row: u32;
override b_column: u32;
override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override shift: u32; // where in \`scales\` the norm's bias begins, a multiple of 4; 0: it has none
override epsilon: f32;
override biased: bool; // the product's bias is added to each row; without, \`bias\` is any buffer
override activates: bool; // \`second\` is GELU(C)
override keeps: bool = true; // the normalized rows are written to \`normed\`
override weighs: bool = false; // else the last row of workgroups leaves weights of columns there; by fours and with a plain B only
override gates: bool; // \`second\` is SwiGLU of the gates and values in the halves of a row of C; B must be nt
override a_factor: f32 = 1;
override b_factor: f32 = 1;

alias C = f32;
const c_is_half = C(2049) == C(2048);
alias Second = f32;
const second_is_half = Second(2049) == Second(2048);
alias Normed = f32;
const normed_is_half = Normed(2049) == Normed(2048);

@group(0) @binding(0) var<storage, read> input: array<f32>; // [m, k]
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>; // the norm's gain [k], and its bias [k]
@group(0) @binding(0) var<storage, read> input_vectors: array<vec4f>; // input
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b
@group(0) @binding(2) var<storage, read> scale_vectors: array<vec4f>; // scales
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> c: array<C>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second: array<Second>; // [m, n], or [m, n / 2]; a scratch if unused
@group(0) @binding(6) var<storage, read_write> normed: array<Normed>; // [m, k]; a scratch if unused
@group(0) @binding(6) var<storage, read_write> normed_vectors: array<vec4<Normed>>; // normed, or the weights of columns [n] of pairs
@group(0) @binding(7) var<storage, read_write> statistics: array<vec2f>; // [m] of (mean, rstd)

var<workgroup> parts: array<vec2f, 256>;
var<workgroup> own_rows: array<vec2f, tile>; // statistics of this workgroup's rows
var<private> writes: bool; // what belongs to rows, not to C

fn a_element(product: Product, at: u32) -> f32 {
  let column = at % k;
  let row = own_rows[at / k % tile];
  var value = (input[at] - row.x) * row.y * scales[column];
  if (shift > 0) { value += scales[shift + column]; }
  if (writes && keeps) { normed[at] = Normed(storable(value, normed_is_half)); }
  return value;
}

fn a_vector(product: Product, at: u32) -> vec4f {
  let column = at % (k / 4);
  let row = own_rows[at / (k / 4) % tile];
  var value = (input_vectors[at] - row.x) * row.y * scale_vectors[column];
  if (shift > 0) { value += scale_vectors[shift / 4 + column]; }
  if (writes && keeps) { normed_vectors[at] = vec4<Normed>(storable_four(value, normed_is_half)); }
  return value;
}

fn b_element(product: Product, at: u32) -> f32 { return b[at]; }
fn b_vector(product: Product, at: u32) -> vec4f { return b_vectors[at]; }

fn put(product: Product, part: u32, i: u32, j: u32, sum: f32) {
  if (i >= m || j >= n) { return; }
  var value = sum;
  if (biased) { value += bias[j]; }
  put_in_c(i * n + j, value);
  if (activates) { put_in_second(i * n + j, value * gelu_gate(value)); }
}

fn put_in_c(at: u32, value: f32) { c[at] = C(storable(value, c_is_half)); }
fn put_in_second(at: u32, value: f32) { second[at] = Second(storable(value, second_is_half)); }

/// Four neighbours in a row of C, from column j on.
fn put_four(product: Product, part: u32, i: u32, j: u32, values: vec4f) {
  for (var lane = 0u; lane < 4; lane++) { put(product, part, i, j + lane, values[lane]); }
}

/// The gate at column j / 2 with its value; \`second\` is SwiGLU of them, half as wide as C.
fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {
  if (i >= m || j >= n) { return; }
  let at = j / 2;
  var pair = sums;
  if (biased) { pair += vec2f(bias[at], bias[at + n / 2]); }
  put_in_c(i * n + at, pair.x);
  put_in_c(i * n + at + n / 2, pair.y);
  put_in_second(i * (n / 2) + at, swiglu_of(pair));
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

/// Makes \`own_rows\` from sums of (x - pivot) and of its square, the parts of which the invocations hold.
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

/// For each column of B, its sum by the norm's gain, and by the norm's bias with the product's bias added.
fn leave_weights(tile_of_columns: u32, index: u32) {
  let column = tile_of_columns * lanes + index % lanes;
  let width = n / 4;
  var by_gain = vec4f();
  var by_bias = vec4f();
  for (var p = index / lanes; p < k && column < width; p += 256 / lanes) {
    let values = b_vectors[p * width + column];
    by_gain += values * scale_vectors[p / 4][p % 4];
    if (shift > 0) { by_bias += values * scale_vectors[(shift + p) / 4][p % 4]; }
  }
  shelve(index, by_gain);
  shelve(256 + index, by_bias);
  workgroupBarrier();
  if (index >= lanes || column >= width) { return; }
  for (var other = index + lanes; other < 256; other += lanes) {
    by_gain += shelved(other);
    by_bias += shelved(256 + other);
  }
  if (biased) {
    let j = column * 4;
    by_bias += vec4f(bias[j], bias[j + 1], bias[j + 2], bias[j + 3]);
  }
  normed_vectors[2 * column] = vec4<Normed>(vec4f(by_gain.x, by_bias.x, by_gain.y, by_bias.y));
  normed_vectors[2 * column + 1] = vec4<Normed>(vec4f(by_gain.z, by_bias.z, by_gain.w, by_bias.w));
}

fn only_product() -> Product {
  return Product(m, n, k, k, 1, b_row, b_column, k, false, false, gates, a_factor, b_factor);
}

/// For any shape.
@compute @workgroup_size(256)
fn by_one(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  writes = place.x == 0;
  let at = row_of(place, index) * k;
  let pivot = pivot_of(input[at]);
  var sums = vec2f();
  for (var column = index % sharers; column < k; column += sharers) {
    let value = input[at + column] - pivot;
    sums += vec2f(value, value * value);
  }
  share_statistics(place, index, sums, pivot);
  make_by_one(only_product(), place, index);
}

/// For rows of input and b that are multiples of four long.
@compute @workgroup_size(256)
fn by_four(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  if (weighs && place.y * tile >= m) {
    leave_weights(place.x, index);
    return;
  }
  writes = place.x == 0;
  let at = row_of(place, index) * (k / 4);
  let pivot = pivot_of(input_vectors[at].x);
  var sums = vec2f();
  for (var column = index % sharers; column < k / 4; column += sharers) {
    let value = input_vectors[at + column] - pivot;
    sums += vec2f(dot(value, vec4f(1)), dot(value, value));
  }
  share_statistics(place, index, sums, pivot);
  make_by_four(only_product(), place, index);
}`;

const registers = [own, geluPrelude, matmulTilePrelude, storedPrelude, swigluPrelude, tileRegistersPrelude].join('\n\n');
const matrices = ['enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix; diagnostic(off, chromium.subgroup_matrix_uniformity);', own, geluPrelude, matmulTilePrelude, storedPrelude, swigluPrelude, tileMatricesPrelude].join('\n\n');

export const matmulNorm = {
  registers: {
  64: { name: 'matmul-norm-64', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-norm-128', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
  matrices: {
  64: { name: 'matmul-norm-matrices-64', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-norm-matrices-128', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
} as const;
