// Made from kernels/matmul/gemv.wgsl by `npm run generate`. Do not edit.
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';

const entryPoints = {
  transposed: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<f32>"},
      {"number":4,"name":"c","access":"write","type":"array<f32>"},
      {"number":5,"name":"second","access":"write","type":"array<f32>"},
    ],
    required: ["activates","adds","biased","k","m","n","slopes"],
    optional: [],
  },
  plain: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<f32>"},
      {"number":4,"name":"c","access":"write","type":"array<f32>"},
      {"number":5,"name":"second","access":"write","type":"array<f32>"},
    ],
    required: ["activates","adds","biased","k","m","n","slopes"],
    optional: [],
  },
  single: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<f32>"},
      {"number":4,"name":"c","access":"write","type":"array<f32>"},
      {"number":5,"name":"second","access":"write","type":"array<f32>"},
    ],
    required: ["activates","adds","b_column","b_row","biased","k","m","n","slopes"],
    optional: [],
  },
} as const;

const code = [`// c[1, n] = a B: a product with one row, as decoding has it. All of the time goes into reading B once, so that neighbouring
// invocations read neighbouring elements, and many at a time.
// with: matmul-store

const lanes = 256u;
const row_lanes = 32u; // invocations that share a row of B^T
const column_lanes = 4u; // invocations side by side, four columns each
const slices = lanes / column_lanes; // of k

@group(0) @binding(0) var<storage, read> a: array<f32>; // [k]
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // [k / 4]
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>;

var<workgroup> dots: array<f32, lanes>;
var<workgroup> sums: array<vec4f, lanes>;

/// B^T [n, k] lies in memory, k a multiple of 4: 32 invocations a row of it, 8 rows a workgroup.
@compute @workgroup_size(lanes)
fn transposed(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rows = lanes / row_lanes;
  let j = (group.y * groups.x + group.x) * rows + lane / row_lanes;
  let row = min(j, n - 1) * (k / 4);
  var dot_of_lane = 0.0;
  for (var p = lane % row_lanes; p < k / 4; p += row_lanes) { dot_of_lane += dot(a_vectors[p], b_vectors[row + p]); }
  dots[lane] = dot_of_lane;
  for (var half = row_lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % row_lanes < half) { dots[lane] += dots[lane + half]; }
  }
  if (lane % row_lanes == 0) { store(0, j, dots[lane]); }
}

/// B [k, n] lies in memory, n a multiple of 4: 16 columns a workgroup, k in 64 slices.
@compute @workgroup_size(lanes)
fn plain(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let column = (group.y * groups.x + group.x) * column_lanes + lane % column_lanes; // of vectors
  let at = min(column, n / 4 - 1);
  var sum = vec4f();
  for (var p = lane / column_lanes; p < k; p += slices) { sum += a[p] * b_vectors[p * (n / 4) + at]; }
  sums[lane] = sum;
  for (var half = slices / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half * column_lanes) { sums[lane] += sums[lane + half * column_lanes]; }
  }
  if (lane >= column_lanes || column >= n / 4) { return; }
  for (var i = 0u; i < 4; i++) { store(0, column * 4 + i, sums[lane][i]); }
}

/// Any strides and sizes, one invocation a column: for software adapters, and where nothing is a multiple of 4.
@compute @workgroup_size(64)
fn single(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let j = id.y * groups.x * 64 + id.x;
  if (j >= n) { return; }
  var sum = 0.0;
  for (var p = 0u; p < k; p++) { sum += a[p] * b[p * b_row + j * b_column]; }
  store(0, j, sum);
}`, matmulStorePrelude, geluPrelude].join('\n\n');

export const gemv = { name: 'gemv', entryPoints, code } as const;
