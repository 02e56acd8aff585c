// Made from kernels/matmul/gemv.wgsl by `npm run generate`. Do not edit.
import { gemvPrelude } from './prelude/gemv.ts';
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  transposed: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["activates","adds","biased","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
  plain: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["activates","adds","biased","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
  single: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["activates","adds","b_column","b_row","biased","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
} as const;

const code = [`// C[m, n] = A B with few rows and B as it is.
// with: gemv

@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b

fn prepare(lane: u32) {}
fn b_element(at: u32) -> f32 { return b[at]; }
fn b_vector(at: u32) -> vec4f { return b_vectors[at]; }`, gemvPrelude, matmulStorePrelude, geluPrelude, storedPrelude].join('\n\n');

export const gemv = { name: 'gemv', entryPoints, code } as const;
