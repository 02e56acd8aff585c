// Made from kernels/norm/matmul-pair-norm.wgsl by `npm run generate`. Do not edit.
import { matmulTwoPrelude } from './prelude/matmul-two.ts';
import { matmulTilePrelude } from './prelude/matmul-tile.ts';
import { tileRegistersPrelude } from './prelude/tile-registers.ts';
import { tileMatricesPrelude } from './prelude/tile-matrices.ts';
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  by_four: {
    bindings: [
      {"number":0,"name":"gradient","access":"read","type":"array<vec4<Gradient>>","stored":"Gradient"},
      {"number":1,"name":"parameters","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"input","access":"read","type":"array<vec4f>"},
      {"number":3,"name":"statistics","access":"read","type":"array<vec2f>"},
      {"number":4,"name":"addend","access":"read","type":"array<vec4f>"},
      {"number":5,"name":"c","access":"write","type":"array<vec4f>"},
      {"number":6,"name":"second_c","access":"write","type":"array<vec4f>"},
      {"number":7,"name":"margin","access":"write","type":"array<vec4f>"},
    ],
    required: ["a_column","a_row","adds","b_column","b_row","centred","gain_at","k","m","n","norm_is_a","part_depth","part_pitch","row_parts","row_sums_at","scale_sums_at","second_a_column","second_a_row","second_b_column","second_b_row","second_k","second_m","second_n","shift_at","shifted","sums_at","sums_columns","weight_at","weight_gradient_at"],
    optional: ["a_factor","b_factor","gradient_scale","second_a_factor","second_b_factor"],
  },
} as const;

const own = `// Two products in one dispatch, for GPUs: the gradients of both operands of a product of normalized rows, of which the first ends in
// the gradient of the norm by its input. The sums over a row of the first product, which the norm wants, lie in the
// norm's margin already (matmul-pair.wgsl leaves them), so that no row of it has to be whole before it ends. The second product
// normalizes its operand on the way in. Rows are multiples of four long.
// with: matmul-two, tile-registers | tile-matrices

const tile = 128u; // variants: 64u, 128u

override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override adds: bool; // another contribution to the gradient by the input is added
override norm_is_a: bool; // what is normalized is the second A, else the second B
override row_parts: u32; // sums of a row that lie in the margin, [row_parts, m] of pairs
override row_sums_at: u32; // where, a multiple of 4
override scale_sums_at: u32; // and where sums of the gradients of gain and bias go to, over 64 rows each, [m / 64, 2, n]
override gain_at: u32; // in \`parameters\`, as the others; all are multiples of 64
override shift_at: u32;
override shifted: bool; // the norm has a bias
override weight_at: u32;
override weight_gradient_at: u32; // in \`second_c\`
override sums_at: u32; // and the gradient of the product's bias
override gradient_scale: f32 = 1;

alias Gradient = f32;

@group(0) @binding(0) var<storage, read> gradient: array<vec4<Gradient>>; // [m, k]
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>; // of the norm, [m, n]
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>; // [m] of (mean, rstd)
@group(0) @binding(4) var<storage, read> addend: array<vec4f>; // [m, n]; any buffer if unused
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>; // [m, n], the gradient by the input
@group(0) @binding(6) var<storage, read_write> second_c: array<vec4f>; // gradients of parameters, or parts of them
@group(0) @binding(7) var<storage, read_write> margin: array<vec4f>; // of the norm

var<workgroup> own_means: array<vec2f, tile>; // over a row: of the gradient g of what is normalized, and of it times what is normalized
var<private> own_gain: vec4f; // of the columns that an invocation loads
var<private> own_shift: vec4f;
var<private> gain_sums: array<vec4f, groups * groups>; // over an invocation's rows; [row group, column group]
var<private> shift_sums: array<vec4f, groups * groups>;

fn normal_vector(at: u32) -> vec4f {
  let row = statistics[at / (n / 4)];
  return (input[at] - row.x) * row.y;
}

fn gradient_vector(at: u32) -> vec4f { return vec4f(gradient[at]) / gradient_scale; }

fn a_vector(product: Product, at: u32) -> vec4f {
  if (product.is_second && norm_is_a) { return normal_vector(at) * own_gain + own_shift; }
  return gradient_vector(at);
}

fn b_vector(product: Product, at: u32) -> vec4f {
  if (!product.is_second) { return parameters[weight_at / 4 + at]; }
  if (norm_is_a) { return gradient_vector(at); }
  return normal_vector(at) * own_gain + own_shift;
}

fn a_element(product: Product, at: u32) -> f32 { return 0; }
fn b_element(product: Product, at: u32) -> f32 { return 0; }
fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {}

fn put_four(product: Product, part: u32, i: u32, j: u32, values: vec4f) {
  if (i >= product.m || j >= product.n) { return; }
  let at = (i * product.n + j) / 4;
  if (product.is_second) {
    second_c[(part * part_pitch + weight_gradient_at) / 4 + at] = values;
    return;
  }
  let means = own_means[i % tile];
  let normal = normal_vector(at);
  var result = statistics[i].y * (values * parameters[(gain_at + j) / 4] - means.x - normal * means.y);
  if (adds) { result += addend[at]; }
  c[at] = result;
  let group = i % tile / 64 * groups + j % tile / 64;
  gain_sums[group] += values * normal;
  shift_sums[group] += values;
}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {
  if (j >= product.n) { return; }
  second_c[(part * part_pitch + sums_at + j) / 4][j % 4] = value;
}

/// Makes \`own_means\`.
fn take_means(place: vec3u, index: u32) {
  let i = min(place.y * tile + index % tile, m - 1);
  var sums = vec2f();
  for (var part = index / tile; part < row_parts; part += 256 / tile) {
    let at = row_sums_at + 2 * (part * m + i);
    let pairs = margin[at / 4];
    sums += select(pairs.zw, pairs.xy, at % 4 == 0);
  }
  shelve(index, vec4f(sums, 0, 0));
  workgroupBarrier();
  if (index < tile) {
    for (var other = index + tile; other < 256; other += tile) { sums += shelved(other).xy; }
    own_means[index] = sums / f32(n) * vec2f(select(0.0, 1.0, centred), 1);
  }
  workgroupBarrier();
}

/// Sums what the invocations have of each 64 rows.
fn leave_scale_sums(place: vec3u, index: u32) {
  for (var group = 0u; group < groups * groups; group++) {
    shelve(index, gain_sums[group]);
    shelve(256 + index, shift_sums[group]);
    workgroupBarrier();
    let part = place.y * groups + group / groups;
    let column = (place.x * groups + group % groups) * 64 + index * 4;
    if (index < 16 && column < n && part * 64 < m) {
      var gains = shelved(index);
      var shifts = shelved(256 + index);
      for (var other = index + 16; other < 256; other += 16) {
        gains += shelved(other);
        shifts += shelved(256 + other);
      }
      margin[(scale_sums_at + 2 * part * n + column) / 4] = gains;
      margin[(scale_sums_at + (2 * part + 1) * n + column) / 4] = shifts;
    }
    workgroupBarrier();
  }
}

/// Takes gain and bias of the columns that an invocation normalizes.
fn take_scales(product: Product, place: vec3u, index: u32) {
  let share = share_of(product, index);
  let column = select(place.x, place.y, share.is_a) * tile + share.lane * 4;
  if (share.is_a != norm_is_a || column >= n) { return; }
  own_gain = parameters[(gain_at + column) / 4];
  if (shifted) { own_shift = parameters[(shift_at + column) / 4]; }
}

@compute @workgroup_size(256)
fn by_four(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  if (number < others) {
    let place = place_in(second_product(), number);
    take_scales(second_product(), place, index);
    make_by_four(second_product(), place, index);
  } else if (number - others < workgroups_of(first_product())) {
    let place = place_in(first_product(), number - others);
    take_means(place, index);
    make_by_four(first_product(), place, index);
    leave_scale_sums(place, index);
  }
}`;

const registers = [own, matmulTwoPrelude, matmulTilePrelude, tileRegistersPrelude].join('\n\n');
const matrices = ['enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix; diagnostic(off, chromium.subgroup_matrix_uniformity);', own, matmulTwoPrelude, matmulTilePrelude, tileMatricesPrelude, storedPrelude].join('\n\n');

export const matmulPairNorm = {
  registers: {
  64: { name: 'matmul-pair-norm-64', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-norm-128', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
  matrices: {
  64: { name: 'matmul-pair-norm-matrices-64', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-norm-matrices-128', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
} as const;
