// Made from kernels/matmul/matmul-pair.wgsl by `npm run generate`. Do not edit.
import { geluPrelude } from './prelude/gelu.ts';
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
    optional: [],
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
    optional: [],
  },
} as const;

const code = [`// Two products in one dispatch, for GPUs: the gradients of both operands of a product, which need nothing of each other.
// The first may end in the slope of a GELU, in those of a SwiGLU or in a sum, the second may sum its B over the rows and be summed in parts.
// Workgroups of the second come first, because it usually sums over more.
// with: gelu, matmul-tile, swiglu

const tile = 128u; // variants: 64u, 128u

override m: u32;
override n: u32;
override k: u32;
override a_row: u32;
override a_column: u32;
override b_row: u32;
override b_column: u32;
override slopes: bool; // the first product times GELU'(extra)
override adds: bool; // plus \`extra\`
override gates: bool; // the first product is the gradient by SwiGLU of \`extra\` [m, 2 n]; c [m, 2 n] is that by \`extra\`
override second_m: u32;
override second_n: u32;
override second_k: u32;
override second_a_row: u32;
override second_a_column: u32;
override second_b_row: u32;
override second_b_column: u32;
override sums_columns: bool; // \`column_sums\` is the sum of the second B over its rows: the gradient of a bias
override part_depth: u32; // of the second k
override part_pitch: u32; // elements of second_c from one part of the sum to the next; used when there are several

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> second_a: array<f32>;
@group(0) @binding(3) var<storage, read> second_b: array<f32>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b
@group(0) @binding(2) var<storage, read> second_a_vectors: array<vec4f>; // second_a
@group(0) @binding(3) var<storage, read> second_b_vectors: array<vec4f>; // second_b
@group(0) @binding(4) var<storage, read> extra: array<f32>; // [m, n]; any buffer if unused
@group(0) @binding(5) var<storage, read_write> c: array<f32>; // [m, n]
@group(0) @binding(6) var<storage, read_write> second_c: array<f32>; // [second_m, second_n], or parts
@group(0) @binding(7) var<storage, read_write> column_sums: array<f32>; // [second_n]; a scratch if unused

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
}

fn put_slopes(at: u32, width: u32, gradient: f32) {
  let slopes = swiglu_gradients(vec2f(extra[at], extra[at + width]), gradient);
  c[at] = slopes.x;
  c[at + width] = slopes.y;
}

fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {
  if (j >= product.n) { return; }
  if (part_depth == second_k) { column_sums[j] = value; }
  else { second_c[part * part_pitch + second_m * second_n + j] = value; }
}

fn first_product() -> Product {
  return Product(m, n, k, a_row, a_column, b_row, b_column, k, false, false, false);
}

fn second_product() -> Product {
  return Product(second_m, second_n, second_k, second_a_row, second_a_column, second_b_row, second_b_column, part_depth, sums_columns, true, false);
}

fn tiles_of(product: Product) -> vec2u {
  return (vec2u(product.n, product.m) + tile - 1) / tile;
}

fn place_in(product: Product, number: u32) -> vec3u {
  let tiles = tiles_of(product);
  return vec3u(number % tiles.x, number / tiles.x % tiles.y, number / (tiles.x * tiles.y));
}

/// Workgroups that make a product.
fn workgroups_of(product: Product) -> u32 {
  let tiles = tiles_of(product);
  return tiles.x * tiles.y * ((product.k + product.part_depth - 1) / product.part_depth);
}

/// For any shapes.
@compute @workgroup_size(16, 16)
fn by_one(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  if (number < others) { make_by_one(second_product(), place_in(second_product(), number), local.x, local.y, index); }
  else if (number - others < workgroups_of(first_product())) {
    make_by_one(first_product(), place_in(first_product(), number - others), local.x, local.y, index);
  }
}

/// For operands whose rows as they lie in memory are multiples of four long.
@compute @workgroup_size(16, 16)
fn by_four(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let number = group.y * all.x + group.x;
  let others = workgroups_of(second_product());
  if (number < others) { make_by_four(second_product(), place_in(second_product(), number), local.x, local.y, index); }
  else if (number - others < workgroups_of(first_product())) {
    make_by_four(first_product(), place_in(first_product(), number - others), local.x, local.y, index);
  }
}`, geluPrelude, matmulTilePrelude, swigluPrelude].join('\n\n');

export const matmulPair = {
  64: { name: 'matmul-pair-64', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-pair-128', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
} as const;
