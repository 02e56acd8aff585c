// Made from kernels/matmul/matmul-half.wgsl by `npm run generate`. Do not edit.
import { matmulHalfPrelude } from './prelude/matmul-half.ts';
import { matmulGatesPrelude } from './prelude/matmul-gates.ts';
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';
import { storedPrelude } from './prelude/stored.ts';
import { swigluPrelude } from './prelude/swiglu.ts';

const entryPoints = {
  matmul: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<A>","stored":"A"},
      {"number":1,"name":"b","access":"read","type":"array<B>","stored":"B"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["a_column","a_factor","a_row","activates","adds","b_column","b_factor","b_row","biased","gates","k","m","n","slopes","sums_columns"],
    optional: ["a_scale","b_scale","c_row","c_scale","extra_scale","first_column"],
  },
} as const;

const code = [`// C[m, n] = A B with operands rounded to f16 and sums in f32, for GPUs without subgroup matrices: a workgroup of 16 x 16 makes
// 64 x 64 of C, an invocation 4 x 4 of it.
// with: matmul-half

enable f16;

const tile = 64u;

@compute @workgroup_size(16, 16)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let origin = group.xy * tile;
  var sums: array<vec4f, 4>;
  for (var first = 0u; first < k; first += depth) {
    stage(origin, first, index);
    workgroupBarrier();
    for (var p = 0u; p < depth; p++) {
      let at = p * pitch + local.x * 4;
      let columns = vec4f(f32(right[at]), f32(right[at + 1]), f32(right[at + 2]), f32(right[at + 3]));
      for (var row = 0u; row < 4; row++) { sums[row] += f32(left[p * pitch + local.y * 4 + row]) * columns; }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < 4; row++) {
    let i = origin.y + local.y * 4 + row;
    let j = origin.x + local.x * 4;
    let products = sums[row] / (a_factor * b_factor);
    if (gates) {
      store_pair(i, j, products.xy);
      store_pair(i, j + 2, products.zw);
      continue;
    }
    for (var lane = 0u; lane < 4; lane++) { store(i, j + lane, products[lane]); }
  }
  store_column_sums(origin, index);
}`, matmulHalfPrelude, matmulGatesPrelude, matmulStorePrelude, geluPrelude, storedPrelude, swigluPrelude].join('\n\n');

export const matmulHalf = { name: 'matmul-half', entryPoints, code } as const;
