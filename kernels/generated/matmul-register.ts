// Made from kernels/matmul/matmul-register.wgsl by `npm run generate`. Do not edit.
import { matmulStorePrelude } from './prelude/matmul-store.ts';
import { geluPrelude } from './prelude/gelu.ts';
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  by_four: {
    bindings: [
      {"number":0,"name":"a_vectors","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"b_vectors","access":"read","type":"array<vec4f>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["a_column","a_row","activates","adds","b_column","b_row","biased","k","m","n","slopes","sums_columns"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
  by_one: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"extra","access":"read","type":"array<Extra>","stored":"Extra"},
      {"number":4,"name":"c","access":"write","type":"array<C>","stored":"C"},
      {"number":5,"name":"second","access":"write","type":"array<Second>","stored":"Second"},
    ],
    required: ["a_column","a_row","activates","adds","b_column","b_row","biased","k","m","n","slopes","sums_columns"],
    optional: ["c_row","c_scale","extra_scale","first_column"],
  },
} as const;

const code = [`// C[m, n] = A B for software adapters: 8 x 8 of C an invocation, in registers, with neither workgroup memory nor barriers.
// There a load costs about as much as ten multiplications, so that what counts is how many of them share one, and that it is of a
// vector; the indices of \`tile\` are written out because an index that is computed is such a load too.
// Strides say how A and B lie, so that one kernel serves NN, NT and TN.
// with: matmul-store

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(0) var<storage, read> a_vectors: array<vec4f>; // a
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4f>; // b

/// Four rows of A from \`first\` on, by four steps of k from \`p\` on: a row is a column of the matrix.
fn block_of_a(first: u32, p: u32) -> mat4x4f {
  if (a_row == 1) {
    let at = (min(first, m - 4) + p * a_column) / 4;
    let step = a_column / 4;
    return transpose(mat4x4f(a_vectors[at], a_vectors[at + step], a_vectors[at + 2 * step], a_vectors[at + 3 * step]));
  }
  let rows = min(first + vec4u(0, 1, 2, 3), vec4u(m - 1)) * (a_row / 4) + p / 4;
  return mat4x4f(a_vectors[rows.x], a_vectors[rows.y], a_vectors[rows.z], a_vectors[rows.w]);
}

/// Four columns of B by four steps of k: a step of k is a column of the matrix.
fn block_of_b(first: u32, p: u32) -> mat4x4f {
  if (b_column == 1) {
    let at = (min(first, n - 4) + p * b_row) / 4;
    let step = b_row / 4;
    return mat4x4f(b_vectors[at], b_vectors[at + step], b_vectors[at + 2 * step], b_vectors[at + 3 * step]);
  }
  let columns = min(first + vec4u(0, 1, 2, 3), vec4u(n - 1)) * (b_column / 4) + p / 4;
  return transpose(mat4x4f(b_vectors[columns.x], b_vectors[columns.y], b_vectors[columns.z], b_vectors[columns.w]));
}

/// For rows, as they lie in memory, and k that are multiples of four long.
@compute @workgroup_size(4, 4)
fn by_four(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 8;
  let column = id.x * 8;
  if (row >= m || column >= n) { return; }
  var tile: array<mat4x4f, 4>; // upper left and right, lower left and right: 4 x 4 of C each, whose rows are the matrix's columns
  var column_sums: array<vec4f, 2>;
  for (var p = 0u; p < k; p += 4) {
    let near = block_of_b(column, p);
    let far = block_of_b(column + 4, p);
    let upper = block_of_a(row, p);
    let lower = block_of_a(row + 4, p);
    tile[0] += near * upper;
    tile[1] += far * upper;
    tile[2] += near * lower;
    tile[3] += far * lower;
    if (sums_columns) {
      column_sums[0] += near[0] + near[1] + near[2] + near[3];
      column_sums[1] += far[0] + far[1] + far[2] + far[3];
    }
  }
  for (var j = 0u; j < 8; j++) {
    for (var i = 0u; i < 8; i++) { store(row + i, column + j, tile[i / 4 * 2 + j / 4][i % 4][j % 4]); }
    if (sums_columns && row == 0 && column + j < n) { put_in_second(column + j, column_sums[j / 4][j % 4]); }
  }
}

/// For any shape.
@compute @workgroup_size(4, 4)
fn by_one(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 8;
  let column = id.x * 8;
  if (row >= m || column >= n) { return; }
  // Beyond the edge the last row or column is computed again, and not stored.
  let steps = vec4u(0, 1, 2, 3);
  var at_a = array<vec4u, 2>(min(row + steps, vec4u(m - 1)) * a_row, min(row + 4 + steps, vec4u(m - 1)) * a_row);
  var at_b = array<vec4u, 2>(min(column + steps, vec4u(n - 1)) * b_column, min(column + 4 + steps, vec4u(n - 1)) * b_column);
  var tile: array<vec4f, 16>; // [column / 4 * 8 + row]
  var column_sums: array<vec4f, 2>;
  for (var p = 0u; p < k; p++) {
    let near = vec4f(b[at_b[0].x], b[at_b[0].y], b[at_b[0].z], b[at_b[0].w]);
    let far = vec4f(b[at_b[1].x], b[at_b[1].y], b[at_b[1].z], b[at_b[1].w]);
    let upper = vec4f(a[at_a[0].x], a[at_a[0].y], a[at_a[0].z], a[at_a[0].w]);
    let lower = vec4f(a[at_a[1].x], a[at_a[1].y], a[at_a[1].z], a[at_a[1].w]);
    tile[0] += upper.x * near;
    tile[1] += upper.y * near;
    tile[2] += upper.z * near;
    tile[3] += upper.w * near;
    tile[4] += lower.x * near;
    tile[5] += lower.y * near;
    tile[6] += lower.z * near;
    tile[7] += lower.w * near;
    tile[8] += upper.x * far;
    tile[9] += upper.y * far;
    tile[10] += upper.z * far;
    tile[11] += upper.w * far;
    tile[12] += lower.x * far;
    tile[13] += lower.y * far;
    tile[14] += lower.z * far;
    tile[15] += lower.w * far;
    if (sums_columns) {
      column_sums[0] += near;
      column_sums[1] += far;
    }
    at_a[0] += vec4u(a_column);
    at_a[1] += vec4u(a_column);
    at_b[0] += vec4u(b_row);
    at_b[1] += vec4u(b_row);
  }
  for (var j = 0u; j < 8; j++) {
    for (var i = 0u; i < 8; i++) { store(row + i, column + j, tile[j / 4 * 8 + i][j % 4]); }
    if (sums_columns && row == 0 && column + j < n) { put_in_second(column + j, column_sums[j / 4][j % 4]); }
  }
}`, matmulStorePrelude, geluPrelude, storedPrelude].join('\n\n');

export const matmulRegister = { name: 'matmul-register', entryPoints, code } as const;
