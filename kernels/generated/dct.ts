// Made from kernels/compress/dct.wgsl by `npm run generate`. Do not edit.
import { clipPrelude } from './prelude/clip.ts';

const entryPoints = {
  descent: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":3,"name":"y","access":"write","type":"array<f32>"},
      {"number":4,"name":"squares","access":"read","type":"array<f32>"},
    ],
    required: ["elements"],
    optional: ["max_norm"],
  },
  dct: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"row_basis","access":"read","type":"array<f32>"},
      {"number":2,"name":"column_basis","access":"read","type":"array<f32>"},
      {"number":3,"name":"y","access":"write","type":"array<f32>"},
    ],
    required: ["elements"],
    optional: ["a","b","lanes","n"],
  },
} as const;

const code = [`// Parameter tensors as coefficients of an orthonormal cosine basis, chunk by chunk: y = A x B' for each chunk x [a, b] of a
// tensor [m, n], A [a, a] and B [b, b] having a coefficient a row. A workgroup has a chunk.
// with: clip

override elements: u32; // of the part that a dispatch handles: whole bands of chunks
override n: u32 = 1; // columns of the tensor
override a: u32 = 1; // rows of a chunk
override b: u32 = 1; // columns of a chunk
override lanes: u32 = 128;
override max_norm: f32 = 0; // of the whole gradient; 0 clips nothing

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> row_basis: array<f32>;
@group(0) @binding(2) var<storage, read> column_basis: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> squares: array<f32>; // [1], of the whole gradient

var<workgroup> between: array<f32, 4096>; // x B', [a, b]

/// Which way a gradient says that parameters should go.
@compute @workgroup_size(64)
fn descent(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i < elements) { y[i] = -x[i] * clip_factor(squares[0], max_norm); }
}

@compute @workgroup_size(lanes)
fn dct(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = group.y * groups.x + group.x;
  let size = a * b;
  if (chunk * size >= elements) { return; }
  let across = n / b;
  let first = chunk / across * a * n + chunk % across * b;
  for (var i = lane; i < size; i += lanes) {
    let row = first + i / b * n;
    let basis = i % b * b;
    var sum = 0.0;
    for (var j = 0u; j < b; j++) { sum += x[row + j] * column_basis[basis + j]; }
    between[i] = sum;
  }
  workgroupBarrier();
  for (var i = lane; i < size; i += lanes) {
    let basis = i / b * a;
    let column = i % b;
    var sum = 0.0;
    for (var j = 0u; j < a; j++) { sum += row_basis[basis + j] * between[j * b + column]; }
    y[chunk * size + i] = sum;
  }
}`, clipPrelude].join('\n\n');

export const dct = { name: 'dct', entryPoints, code } as const;
