// Made from kernels/matmul/matmul-matrices.wgsl by `npm run generate`. Do not edit.
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

const code = [`// C[m, n] = A B in f16 with sums in f32, on adapters with subgroup matrices (Dawn's experimental feature). Eight subgroups of 32
// share a tile: four bands of rows, two of columns; each makes its part in 16 x 16 subgroup matrices of f32 from f16. The matrices
// leave through workgroup memory, one of each subgroup at a time, because an epilogue follows.
// with: matmul-half

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

const tile = 128u; // variants: 64u, 128u

const rows = tile / 64; // subgroup matrices of a subgroup, downwards
const columns = tile / 32; // and across

var<workgroup> made: array<f32, 8 * 256>;

@compute @workgroup_size(256)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let origin = group.xy * tile;
  let band = vec2u(subgroup / 4 * columns, subgroup % 4 * rows) * 16; // of columns, of rows
  var sums: array<subgroup_matrix_result<f32, 16, 16>, rows * columns>;
  for (var first = 0u; first < k; first += depth) {
    stage(origin, first, index);
    workgroupBarrier();
    for (var p = 0u; p < depth; p += 16) {
      for (var row = 0u; row < rows; row++) {
        let of_a = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(&left, p * pitch + band.y + row * 16, pitch);
        for (var column = 0u; column < columns; column++) {
          let of_b = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&right, p * pitch + band.x + column * 16, pitch);
          sums[row * columns + column] = subgroupMatrixMultiplyAccumulate(of_a, of_b, sums[row * columns + column]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < rows; row++) {
    for (var column = 0u; column < columns; column++) {
      subgroupMatrixStore<row_major>(&made, subgroup * 256, sums[row * columns + column], 16);
      workgroupBarrier();
      for (var at = lane; at < 256; at += 32) {
        let place = origin + band + vec2u(column, row) * 16 + vec2u(at % 16, at / 16);
        let value = made[subgroup * 256 + at] / (a_factor * b_factor);
        if (!gates) { store(place.y, place.x, value); }
        else if (at % 2 == 0) { store_pair(place.y, place.x, vec2f(value, made[subgroup * 256 + at + 1] / (a_factor * b_factor))); }
      }
      workgroupBarrier();
    }
  }
  store_column_sums(origin, index);
}`, matmulHalfPrelude, matmulGatesPrelude, matmulStorePrelude, geluPrelude, storedPrelude, swigluPrelude].join('\n\n');

export const matmulMatrices = {
  64: { name: 'matmul-matrices-64', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 64u;') },
  128: { name: 'matmul-matrices-128', entryPoints, code: code.replace('const tile = 128u; // variants: 64u, 128u', 'const tile = 128u;') },
} as const;
