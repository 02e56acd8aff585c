// Made from kernels/matmul/matmul-pair.wgsl by `npm run generate`. Do not edit.
import { geluPrelude } from './prelude/gelu.ts';
import { matmulTwoPrelude } from './prelude/matmul-two.ts';
import { matmulTilePrelude } from './prelude/matmul-tile.ts';
import { storedPrelude } from './prelude/stored.ts';
import { swigluPrelude } from './prelude/swiglu.ts';
import { tileRegistersPrelude } from './prelude/tile-registers.ts';
import { tileMatricesPrelude } from './prelude/tile-matrices.ts';

const entryPoints = {
  by_one: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<A>","stored":"A"},
      {"number":1,"name":"b","access":"read","type":"array<B>","stored":"B"},
      {"number":2,"name":"third","access":"read","type":"array<Third>","stored":"Third"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second_c","access":"write","type":"array<f32>"},
      {"number":6,"name":"column_sums","access":"write","type":"array<f32>"},
      {"number":7,"name":"margin","access":"write","type":"array<f32>"},
    ],
    required: ["a_column","a_is_second_b","a_row","adds","b_column","b_row","gates","k","m","n","part_depth","part_pitch","second_a_column","second_a_row","second_b_column","second_b_row","second_k","second_m","second_n","slopes","sums_columns"],
    optional: ["a_factor","a_scale","b_factor","b_scale","c_scale","extra_scale","fold_at","fold_columns","fold_from","fold_parts","fold_second_at","fold_width","row_sums_at","second_a_factor","second_b_factor","sums_at","sums_rows","third_scale","weighted"],
  },
  by_four: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4<A>>","stored":"A"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4<B>>","stored":"B"},
      {"number":2,"name":"third_vectors","access":"read","type":"array<vec4<Third>>","stored":"Third"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second_c","access":"write","type":"array<f32>"},
      {"number":6,"name":"column_sums","access":"write","type":"array<f32>"},
      {"number":7,"name":"margin","access":"write","type":"array<f32>"},
    ],
    required: ["a_column","a_is_second_b","a_row","adds","b_column","b_row","gates","k","m","n","part_depth","part_pitch","second_a_column","second_a_row","second_b_column","second_b_row","second_k","second_m","second_n","slopes","sums_columns"],
    optional: ["a_factor","a_scale","b_factor","b_scale","c_scale","extra_scale","fold_at","fold_columns","fold_from","fold_parts","fold_second_at","fold_width","row_sums_at","second_a_factor","second_b_factor","sums_at","sums_rows","third_scale","weighted"],
  },
} as const;

const own = `// Two products in one dispatch, for GPUs: the gradients of both operands of a product, which need nothing of each other.
// The first may end in the slope of a GELU, in those of a SwiGLU or in a sum, the second may sum its B over the rows and be summed in parts.
// On the way there may be something of a norm, whose gradient matmul-pair-norm.wgsl makes: what the first product leaves for it, or sums
// that it left. Both lie in the norm's \`margin\`.
// with: gelu, matmul-two, stored, swiglu, tile-registers | tile-matrices

const tile = 128u; // variants: 64u, 128u

override a_is_second_b: bool; // else the second A
override slopes: bool; // the first product times GELU'(extra)
override adds: bool; // plus \`extra\`
override gates: bool; // the first product is the gradient by SwiGLU of \`extra\` [m, 2 n]; c [m, 2 n] is that by \`extra\`
override sums_rows: bool = false; // leaves sums of c's rows, tile by tile (see leave_row_sums)
override weighted: bool = false; // with the weights of columns that matmul-norm.wgsl left at the beginning of the margin
override row_sums_at: u32 = 0; // where in the margin
override fold_parts: u32 = 0; // the last workgroups sum so many rows of the margin, [fold_parts, 2, fold_width], into \`column_sums\`
override fold_from: u32 = 0; // where in the margin they begin
override fold_width: u32 = 0;
override fold_columns: u32 = 0; // fold_width, or twice
override fold_at: u32 = 0; // where in \`column_sums\` the sums of the first fold_width columns begin
override fold_second_at: u32 = 0; // and those of the others
override sums_at: u32 = 0; // and those of the second B
override a_scale: f32 = 1;
override b_scale: f32 = 1;
override third_scale: f32 = 1;
override extra_scale: f32 = 1;
override c_scale: f32 = 1;

alias A = f32;
alias B = f32;
alias Third = f32;
alias Extra = f32;
alias C = f32;
const c_is_half = C(2049) == C(2048);

@group(0) @binding(0) var<storage, read> a: array<A>; // of the first product, and an operand of the second
@group(0) @binding(1) var<storage, read> b: array<B>; // of the first product
@group(0) @binding(2) var<storage, read> third: array<Third>; // of the second product, with a
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4<A>>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4<B>>; // b
@group(0) @binding(2) var<storage, read> third_vectors: array<vec4<Third>>; // third
@group(0) @binding(3) var<storage, read> extra: array<Extra>; // [m, n]; any buffer if unused
@group(0) @binding(4) var<storage, read_write> c: array<C>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second_c: array<f32>; // [second_m, second_n], or parts
@group(0) @binding(6) var<storage, read_write> column_sums: array<f32>; // [second_n], and what is folded; a scratch if unused
@group(0) @binding(7) var<storage, read_write> margin: array<f32>; // a scratch if unused

var<private> row_sums: array<vec2f, 4 * groups>; // of an invocation's rows

fn a_element(product: Product, at: u32) -> f32 {
  if (product.is_second && a_is_second_b) { return f32(third[at]) / third_scale; }
  return f32(a[at]) / a_scale;
}

fn b_element(product: Product, at: u32) -> f32 {
  if (!product.is_second) { return f32(b[at]) / b_scale; }
  if (a_is_second_b) { return f32(a[at]) / a_scale; }
  return f32(third[at]) / third_scale;
}

fn a_vector(product: Product, at: u32) -> vec4f {
  if (product.is_second && a_is_second_b) { return vec4f(third_vectors[at]) / third_scale; }
  return vec4f(a_vectors[at]) / a_scale;
}

fn b_vector(product: Product, at: u32) -> vec4f {
  if (!product.is_second) { return vec4f(b_vectors[at]) / b_scale; }
  if (a_is_second_b) { return vec4f(a_vectors[at]) / a_scale; }
  return vec4f(third_vectors[at]) / third_scale;
}

fn extra_at(at: u32) -> f32 { return f32(extra[at]) / extra_scale; }
fn put_in_c(at: u32, value: f32) { c[at] = C(storable(value * c_scale, c_is_half)); }

fn put(product: Product, part: u32, i: u32, j: u32, value: f32) {
  if (i >= product.m || j >= product.n) { return; }
  let at = i * product.n + j;
  if (product.is_second) {
    second_c[part * part_pitch + at] = value;
    return;
  }
  if (gates) {
    put_slopes(i * 2 * product.n + j, product.n, value);
    return;
  }
  var result = value;
  if (slopes) { result *= gelu_slope(extra_at(at)); }
  if (adds) { result += extra_at(at); }
  put_in_c(at, result);
  if (sums_rows) { add_to_row(i, j, result, extra_at(at)); }
}

fn put_slopes(at: u32, width: u32, gradient: f32) {
  let outputs = vec2f(extra_at(at), extra_at(at + width));
  let slopes = swiglu_gradients(outputs, gradient);
  put_in_c(at, slopes.x);
  put_in_c(at + width, slopes.y);
  if (sums_rows) {
    let i = at / (2 * width);
    let j = at % width;
    add_to_row(i, j, slopes.x, outputs.x);
    add_to_row(i, j + width, slopes.y, outputs.y);
  }
}

/// @param output what the activation was taken of, which c is the gradient by
fn add_to_row(i: u32, j: u32, gradient: f32, output: f32) {
  var weights = vec2f(0, output);
  if (weighted) { weights = vec2f(margin[2 * j], output - margin[2 * j + 1]); }
  row_sums[i % tile / 64 * 4 + i % 4] += gradient * weights;
}

/// For each row, and the columns of this tile: the sums of c by the weights of columns, and by the outputs less what is the same in
/// all rows. Over all columns, these are the sums of the norm's gradient and of its product with what is normalized.
fn leave_row_sums(place: vec3u, index: u32) {
  for (var group = 0u; group < groups; group++) {
    shelve(index, vec4f(row_sums[group * 4], row_sums[group * 4 + 1]));
    shelve(256 + index, vec4f(row_sums[group * 4 + 2], row_sums[group * 4 + 3]));
    workgroupBarrier();
    let i = place.y * tile + group * 64 + index;
    if (index < 64 && i < m) {
      var total = vec2f();
      for (var x = 0u; x < 16; x++) {
        let at = index / 4 * 16 + x;
        let rows = shelved(select(256 + at, at, index % 4 < 2));
        total += select(rows.zw, rows.xy, index % 2 == 0);
      }
      let at = row_sums_at + 2 * (place.x * m + i);
      margin[at] = total.x;
      margin[at + 1] = total.y;
    }
    workgroupBarrier();
  }
}

/// A workgroup sums 64 columns.
fn fold(number: u32, index: u32) {
  let column = number * 64 + index % 64;
  var total = 0.0;
  for (var part = index / 64; part < fold_parts && column < fold_columns; part += 4) {
    total += margin[fold_from + part * 2 * fold_width + column];
  }
  shelve(index, vec4f(total, 0, 0, 0));
  workgroupBarrier();
  if (index >= 64 || column >= fold_columns) { return; }
  total += shelved(index + 64).x + shelved(index + 128).x + shelved(index + 192).x;
  if (column < fold_width) { column_sums[fold_at + column] = total; }
  else { column_sums[fold_second_at + column - fold_width] = total; }
}

/// Four neighbours in a row of C, from column j on.
fn put_four(product: Product, part: u32, i: u32, j: u32, values: vec4f) {
  for (var lane = 0u; lane < 4; lane++) { put(product, part, i, j + lane, values[lane]); }
}

fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {
  if (j >= product.n) { return; }
  if (part_depth == second_k) { column_sums[sums_at + j] = value; }
  else { second_c[part * part_pitch + second_m * second_n + j] = value; }
}

/// For any shapes.
@compute @workgroup_size(256)
fn by_one(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  let products = others + workgroups_of(first_product());
  if (number < others) { make_by_one(second_product(), place_in(second_product(), number), index); }
  else if (number < products) {
    let place = place_in(first_product(), number - others);
    make_by_one(first_product(), place, index);
    if (sums_rows) { leave_row_sums(place, index); }
  }
  else if (fold_parts > 0) { fold(number - products, index); }
}

/// For operands whose rows as they lie in memory are multiples of four long.
@compute @workgroup_size(256)
fn by_four(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  let products = others + workgroups_of(first_product());
  if (number < others) { make_by_four(second_product(), place_in(second_product(), number), index); }
  else if (number < products) {
    let place = place_in(first_product(), number - others);
    make_by_four(first_product(), place, index);
    if (sums_rows) { leave_row_sums(place, index); }
  }
  else if (fold_parts > 0) { fold(number - products, index); }
}`;

const registers = [own, geluPrelude, matmulTwoPrelude, matmulTilePrelude, storedPrelude, swigluPrelude, tileRegistersPrelude].join('\n\n');
const matrices = ['enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix; diagnostic(off, chromium.subgroup_matrix_uniformity);', own, geluPrelude, matmulTwoPrelude, matmulTilePrelude, storedPrelude, swigluPrelude, tileMatricesPrelude].join('\n\n');

export const matmulPair = {
  registers: {
  64: { name: 'matmul-pair-64', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-128', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
  matrices: {
  64: { name: 'matmul-pair-matrices-64', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-matrices-128', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
} as const;
