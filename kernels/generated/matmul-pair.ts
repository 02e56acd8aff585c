// Made from kernels/matmul/matmul-pair.wgsl by `npm run generate`. Do not edit.
import { geluPrelude } from './prelude/gelu.ts';
import { matmulTwoPrelude } from './prelude/matmul-two.ts';
import { matmulTilePrelude } from './prelude/matmul-tile.ts';
import { swigluPrelude } from './prelude/swiglu.ts';

const entryPoints = {
  by_one: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"second_a","access":"read","type":"array<f32>"},
      {"number":3,"name":"second_b","access":"read","type":"array<f32>"},
      {"number":4,"name":"extra","access":"read","type":"array<f32>"},
      {"number":5,"name":"c","access":"write","type":"array<f32>"},
      {"number":6,"name":"second_c","access":"write","type":"array<f32>"},
      {"number":7,"name":"column_sums","access":"write","type":"array<f32>"},
    ],
    required: ["a_column","a_row","adds","b_column","b_row","gates","k","m","n","part_depth","part_pitch","second_a_column","second_a_row","second_b_column","second_b_row","second_k","second_m","second_n","slopes","sums_columns"],
    optional: ["fold_at","fold_columns","fold_parts","fold_second_at","fold_width","sums_at","sums_rows","weighted"],
  },
  by_four: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"second_a_vectors","access":"read","type":"array<vec4f>"},
      {"number":3,"name":"second_b_vectors","access":"read","type":"array<vec4f>"},
      {"number":4,"name":"extra","access":"read","type":"array<f32>"},
      {"number":5,"name":"c","access":"write","type":"array<f32>"},
      {"number":6,"name":"second_c","access":"write","type":"array<f32>"},
      {"number":7,"name":"column_sums","access":"write","type":"array<f32>"},
    ],
    required: ["a_column","a_row","adds","b_column","b_row","gates","k","m","n","part_depth","part_pitch","second_a_column","second_a_row","second_b_column","second_b_row","second_k","second_m","second_n","slopes","sums_columns"],
    optional: ["fold_at","fold_columns","fold_parts","fold_second_at","fold_width","sums_at","sums_rows","weighted"],
  },
} as const;

const code = [`// Two products in one dispatch, for GPUs: the gradients of both operands of a product, which need nothing of each other.
// The first may end in the slope of a GELU, in those of a SwiGLU or in a sum, the second may sum its B over the rows and be summed in parts.
// On the way there may be something of a norm, whose gradient matmul-pair-norm.wgsl makes: what the first product leaves for it, or sums
// that it left.
// with: gelu, matmul-two, swiglu

const tile = 128u; // variants: 64u, 128u

override slopes: bool; // the first product times GELU'(extra)
override adds: bool; // plus \`extra\`
override gates: bool; // the first product is the gradient by SwiGLU of \`extra\` [m, 2 n]; c [m, 2 n] is that by \`extra\`
override sums_rows: bool = false; // sums of c's rows, tile by tile, go behind it (see leave_row_sums)
override weighted: bool = false; // \`extra\` has the weights of columns behind it that matmul-norm.wgsl leaves
override fold_parts: u32 = 0; // the last workgroups sum so many rows of \`extra\`, [fold_parts, 2, fold_width], into \`column_sums\`
override fold_width: u32 = 0;
override fold_columns: u32 = 0; // fold_width, or twice
override fold_at: u32 = 0; // where in \`column_sums\` the sums of the first fold_width columns begin
override fold_second_at: u32 = 0; // and those of the others
override sums_at: u32 = 0; // and those of the second B

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> second_a: array<f32>;
@group(0) @binding(3) var<storage, read> second_b: array<f32>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b
@group(0) @binding(2) var<storage, read> second_a_vectors: array<vec4f>; // second_a
@group(0) @binding(3) var<storage, read> second_b_vectors: array<vec4f>; // second_b
@group(0) @binding(4) var<storage, read> extra: array<f32>; // [m, n]; any buffer if unused
@group(0) @binding(5) var<storage, read_write> c: array<f32>; // [m, n], then sums of rows [n / tile, m] of pairs
@group(0) @binding(6) var<storage, read_write> second_c: array<f32>; // [second_m, second_n], or parts
@group(0) @binding(7) var<storage, read_write> column_sums: array<f32>; // [second_n], and what is folded; a scratch if unused

var<private> row_sums: array<vec2f, 4 * groups>; // of an invocation's rows

fn a_element(product: Product, at: u32) -> f32 {
  if (product.is_second) { return second_a[at]; }
  return a[at];
}

fn b_element(product: Product, at: u32) -> f32 {
  if (product.is_second) { return second_b[at]; }
  return b[at];
}

fn a_vector(product: Product, at: u32) -> vec4f {
  if (product.is_second) { return second_a_vectors[at]; }
  return a_vectors[at];
}

fn b_vector(product: Product, at: u32) -> vec4f {
  if (product.is_second) { return second_b_vectors[at]; }
  return b_vectors[at];
}

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
  if (slopes) { result *= gelu_slope(extra[at]); }
  if (adds) { result += extra[at]; }
  c[at] = result;
  if (sums_rows) { add_to_row(i, j, result, extra[at]); }
}

fn put_slopes(at: u32, width: u32, gradient: f32) {
  let slopes = swiglu_gradients(vec2f(extra[at], extra[at + width]), gradient);
  c[at] = slopes.x;
  c[at + width] = slopes.y;
  if (sums_rows) {
    let i = at / (2 * width);
    let j = at % width;
    add_to_row(i, j, slopes.x, extra[at]);
    add_to_row(i, j + width, slopes.y, extra[at + width]);
  }
}

fn c_width() -> u32 { return select(n, 2 * n, gates); }

/// @param output what the activation was taken of, which c is the gradient by
fn add_to_row(i: u32, j: u32, gradient: f32, output: f32) {
  var weights = vec2f(0, output);
  if (weighted) {
    let at = m * c_width() + 2 * j;
    weights = vec2f(extra[at], output - extra[at + 1]);
  }
  row_sums[i % tile / 64 * 4 + i % 4] += gradient * weights;
}

/// For each row, and the columns of this tile: the sums of c by the weights of columns, and by the outputs less what is the same in
/// all rows. Over all columns, these are the sums of the norm's gradient and of its product with what is normalized.
fn leave_row_sums(place: vec3u, index: u32) {
  for (var group = 0u; group < groups; group++) {
    left[index] = vec4f(row_sums[group * 4], row_sums[group * 4 + 1]);
    right[index] = vec4f(row_sums[group * 4 + 2], row_sums[group * 4 + 3]);
    workgroupBarrier();
    let i = place.y * tile + group * 64 + index;
    if (index < 64 && i < m) {
      var total = vec2f();
      for (var x = 0u; x < 16; x++) {
        let at = index / 4 * 16 + x;
        let rows = select(right[at], left[at], index % 4 < 2);
        total += select(rows.zw, rows.xy, index % 2 == 0);
      }
      let at = m * c_width() + 2 * (place.x * m + i);
      c[at] = total.x;
      c[at + 1] = total.y;
    }
    workgroupBarrier();
  }
}

/// A workgroup sums 64 columns.
fn fold(number: u32, index: u32) {
  let column = number * 64 + index % 64;
  var total = 0.0;
  for (var part = index / 64; part < fold_parts && column < fold_columns; part += 4) {
    total += extra[part * 2 * fold_width + column];
  }
  left[index] = vec4f(total, 0, 0, 0);
  workgroupBarrier();
  if (index >= 64 || column >= fold_columns) { return; }
  total += left[index + 64].x + left[index + 128].x + left[index + 192].x;
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
@compute @workgroup_size(16, 16)
fn by_one(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  let products = others + workgroups_of(first_product());
  if (number < others) { make_by_one(second_product(), place_in(second_product(), number), local.x, local.y, index); }
  else if (number < products) {
    let place = place_in(first_product(), number - others);
    make_by_one(first_product(), place, local.x, local.y, index);
    if (sums_rows) { leave_row_sums(place, index); }
  }
  else if (fold_parts > 0) { fold(number - products, index); }
}

/// For operands whose rows as they lie in memory are multiples of four long.
@compute @workgroup_size(16, 16)
fn by_four(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  let products = others + workgroups_of(first_product());
  if (number < others) { make_by_four(second_product(), place_in(second_product(), number), local.x, local.y, index); }
  else if (number < products) {
    let place = place_in(first_product(), number - others);
    make_by_four(first_product(), place, local.x, local.y, index);
    if (sums_rows) { leave_row_sums(place, index); }
  }
  else if (fold_parts > 0) { fold(number - products, index); }
}`, geluPrelude, matmulTwoPrelude, matmulTilePrelude, swigluPrelude].join('\n\n');

export const matmulPair = {
  64: { name: 'matmul-pair-64', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-128', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
} as const;
