// Made from kernels/matmul/matmul.wgsl by `npm run generate`. Do not edit.
import { matmulGatesPrelude } from './prelude/matmul-gates.ts';
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';
import { storedPrelude } from './prelude/stored.ts';
import { swigluPrelude } from './prelude/swiglu.ts';
import { matmulTilePrelude } from './prelude/matmul-tile.ts';
import { tileRegistersPrelude } from './prelude/tile-registers.ts';
import { tileMatricesPrelude } from './prelude/tile-matrices.ts';

const entryPoints = {
  by_one: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<A>","stored":"A"},
      {"number":1,"name":"b","access":"read","type":"array<B>","stored":"B"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["a_column","a_row","activates","adds","b_column","b_row","biased","gates","k","m","n","part_depth","part_pitch","slopes","sums_columns"],
    optional: ["a_factor","a_scale","b_factor","b_scale","c_row","c_scale","extra_scale","first_column"],
  },
  by_four: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4<A>>","stored":"A"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4<B>>","stored":"B"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["a_column","a_row","activates","adds","b_column","b_row","biased","gates","k","m","n","part_depth","part_pitch","slopes","sums_columns"],
    optional: ["a_factor","a_scale","b_factor","b_scale","c_row","c_scale","extra_scale","first_column"],
  },
} as const;

const own = `// C[m, n] = A B for GPUs. Parts of its sum lie one after the other in c, each with its share of the column sums behind it.
// with: matmul-gates, matmul-tile, tile-registers | tile-matrices

const tile = 128u; // variants: 64u, 128u

override part_depth: u32; // of k, that a workgroup sums; a multiple of 64 unless it is all of k
override part_pitch: u32; // elements of c from one part of the sum to the next; used when there are several
override a_factor: f32 = 1;
override b_factor: f32 = 1;
override a_scale: f32 = 1;
override b_scale: f32 = 1;

alias A = f32;
alias B = f32;

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4<A>>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4<B>>; // b

fn a_element(product: Product, at: u32) -> f32 { return f32(a[at]) / a_scale; }
fn b_element(product: Product, at: u32) -> f32 { return f32(b[at]) / b_scale; }
fn a_vector(product: Product, at: u32) -> vec4f { return vec4f(a_vectors[at]) / a_scale; }
fn b_vector(product: Product, at: u32) -> vec4f { return vec4f(b_vectors[at]) / b_scale; }

fn put(product: Product, part: u32, i: u32, j: u32, value: f32) {
  if (part_depth == k) { store(i, j, value); }
  else if (i < m && j < n) { put_in_c(part * part_pitch + i * n + j, value); }
}

/// Four neighbours in a row of C, from column j on.
fn put_four(product: Product, part: u32, i: u32, j: u32, values: vec4f) {
  for (var lane = 0u; lane < 4; lane++) { put(product, part, i, j + lane, values[lane]); }
}

fn put_pair(product: Product, i: u32, j: u32, sums: vec2f) {
  store_pair(i, j, sums);
}

fn put_column_sum(product: Product, part: u32, j: u32, value: f32) {
  if (j >= n) { return; }
  if (part_depth == k) { put_in_second(j, value); } else { put_in_c(part * part_pitch + m * n + j, value); }
}

fn only_product() -> Product {
  return Product(m, n, k, a_row, a_column, b_row, b_column, part_depth, sums_columns, false, gates, a_factor, b_factor);
}

/// For any shape.
@compute @workgroup_size(256)
fn by_one(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  make_by_one(only_product(), place, index);
}

/// For operands whose rows as they lie in memory are multiples of four long.
@compute @workgroup_size(256)
fn by_four(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) index: u32) {
  make_by_four(only_product(), place, index);
}`;

const registers = [own, matmulGatesPrelude, matmulStorePrelude, geluPrelude, storedPrelude, swigluPrelude, matmulTilePrelude, tileRegistersPrelude].join('\n\n');
const matrices = ['enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix; diagnostic(off, chromium.subgroup_matrix_uniformity);', own, matmulGatesPrelude, matmulStorePrelude, geluPrelude, storedPrelude, swigluPrelude, matmulTilePrelude, tileMatricesPrelude].join('\n\n');

export const matmul = {
  registers: {
  64: { name: 'matmul-64', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-128', entryPoints, code: registers.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
  matrices: {
  64: { name: 'matmul-matrices-64', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-matrices-128', entryPoints, code: matrices.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
},
} as const;
