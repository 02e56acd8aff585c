// Made from kernels/head/head-chunk.wgsl by `npm run generate`. Do not edit.
import { headRowPrelude } from './prelude/head-row.ts';
import { logsumexpPrelude } from './prelude/logsumexp.ts';

const entryPoints = {
  fold: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"known","access":"write","type":"array<vec4f>"},
      {"number":3,"name":"logsumexp","access":"write","type":"array<f32>"},
      {"number":4,"name":"row_losses","access":"write","type":"array<f32>"},
    ],
    required: ["first_column","is_first","is_last","rows","vocabulary","width"],
    optional: [],
  },
  differentiate: {
    bindings: [
      {"number":0,"name":"chunk","access":"write","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"weight","access":"read","type":"array<f32>"},
      {"number":3,"name":"known_logsumexp","access":"read","type":"array<f32>"},
      {"number":4,"name":"gradient","access":"read","type":"array<f32>"},
    ],
    required: ["elements","first_column","vocabulary","width"],
    optional: [],
  },
} as const;

const code = [`// Cross-entropy of an LM head, a chunk of the vocabulary at a time, for software adapters: one invocation a row.
// with: head-row

@compute @workgroup_size(64)
fn fold(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64 + id.x;
  if (row >= rows) { return; }
  var highest = logits[row * width];
  for (var v = 1u; v < width; v++) { highest = max(highest, logits[row * width + v]); }
  var sum = 0.0;
  for (var v = 0u; v < width; v++) { sum += exp(logits[row * width + v] - highest); }
  note(row, highest, sum);
}

override elements: u32; // of the chunk

@group(0) @binding(0) var<storage, read_write> chunk: array<f32>; // logits, and afterwards their gradient
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [1]
@group(0) @binding(3) var<storage, read> known_logsumexp: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [1], of the loss

@compute @workgroup_size(64)
fn differentiate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  let row = index / width;
  let target_id = targets[row];
  var slope = 0.0;
  if (target_id < vocabulary) {
    slope = exp(chunk[index] - known_logsumexp[row]) - f32(target_id == first_column + index % width);
  }
  chunk[index] = slope * weight[0] * gradient[0];
}`, headRowPrelude, logsumexpPrelude].join('\n\n');

export const headChunk = { name: 'head-chunk', entryPoints, code } as const;
