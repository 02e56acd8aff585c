// Made from kernels/quantize/quantized-gemv.wgsl by `npm run generate`. Do not edit.
import { gemvPrelude } from './prelude/gemv.ts';
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';
import { storedPrelude } from './prelude/stored.ts';
import { quantizedPrelude } from './prelude/quantized.ts';

const entryPoints = {
  transposed: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"packed","access":"read","type":"array<u32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
      {"number":6,"name":"scales","access":"read","type":"array<f32>"},
    ],
    required: ["activates","adds","biased","bits","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
  plain: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"packed","access":"read","type":"array<u32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
      {"number":6,"name":"scales","access":"read","type":"array<f32>"},
    ],
    required: ["activates","adds","biased","bits","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
  single: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"packed","access":"read","type":"array<u32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
      {"number":6,"name":"scales","access":"read","type":"array<f32>"},
    ],
    required: ["activates","adds","b_column","b_row","biased","bits","k","m","n","slopes"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
} as const;

const code = [`// C[m, n] = A B with few rows and a B that lies quantized, unpacked on its way into registers.
// with: gemv, quantized`, gemvPrelude, matmulStorePrelude, geluPrelude, storedPrelude, quantizedPrelude].join('\n\n');

export const quantizedGemv = { name: 'quantized-gemv', entryPoints, code } as const;
