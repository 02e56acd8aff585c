// Made from kernels/softmax/cross-entropy.wgsl by `npm run generate`. Do not edit.
import { crossEntropySlopePrelude } from './prelude/cross-entropy-slope.ts';
import { logsumexpPrelude } from './prelude/logsumexp.ts';

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"logsumexp","access":"write","type":"array<f32>"},
      {"number":3,"name":"row_losses","access":"write","type":"array<f32>"},
      {"number":4,"name":"weight","access":"write","type":"array<f32>"},
    ],
    required: ["all_rows","counts","first_row","rows","vocabulary"],
    optional: [],
  },
  total: {
    bindings: [
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":4,"name":"weight","access":"write","type":"array<f32>"},
      {"number":6,"name":"losses","access":"read","type":"array<f32>"},
      {"number":7,"name":"loss","access":"write","type":"array<f32>"},
    ],
    required: ["all_rows","vocabulary"],
    optional: [],
  },
  backward: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"known_logsumexp","access":"read","type":"array<f32>"},
      {"number":3,"name":"known_weight","access":"read","type":"array<f32>"},
      {"number":4,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":5,"name":"logits_gradient","access":"write","type":"array<f32>"},
      {"number":6,"name":"losses","access":"read","type":"array<f32>"},
      {"number":7,"name":"loss","access":"write","type":"array<f32>"},
    ],
    required: ["all_rows","averages","elements","first_row","vocabulary"],
    optional: [],
  },
} as const;

const code = [`// Softmax with cross-entropy for software adapters: one invocation a row of logits [N, V], no workgroup memory.
// cross-entropy-tiled.wgsl has the same entry points with one workgroup a row.
// Without \`total\` the loss takes two dispatches and no third: what only the targets decide, the weight, is counted beside the rows of
// the forward pass, and the mean of their losses, which no gradient needs, is taken beside the gradient.
// with: cross-entropy-slope, logsumexp

override rows: u32; // of this dispatch
override all_rows: u32; // N
override first_row: u32; // of this dispatch in targets, logsumexp and row_losses
override vocabulary: u32; // V; a target of V or more leaves its row out

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, V]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [N]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [N]
@group(0) @binding(3) var<storage, read_write> row_losses: array<f32>; // [N], zero in rows left out

override counts: bool; // the forward pass also counts the rows not left out, of which \`total\` makes the weight otherwise

@group(0) @binding(4) var<storage, read_write> weight: array<f32>; // [1], 1 / rows not left out, or 0

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64 + id.x;
  if (row < rows) { forward_row(row); } else if (row == rows && counts) { weight[0] = weigh(); }
}

fn forward_row(row: u32) {
  let at = row * vocabulary;
  var highest = logits[at];
  for (var v = 1u; v < vocabulary; v++) { highest = max(highest, logits[at + v]); }
  var sum = 0.0;
  for (var v = 0u; v < vocabulary; v++) { sum += exp(logits[at + v] - highest); }
  let lse = logsumexp_of(highest, sum);
  let target_id = targets[first_row + row];
  logsumexp[first_row + row] = lse;
  row_losses[first_row + row] = 0;
  if (target_id < vocabulary) { row_losses[first_row + row] = lse - logits[at + target_id]; }
}

/// 1 / rows not left out, or 0.
fn weigh() -> f32 {
  var counted = 0.0;
  for (var row = 0u; row < all_rows; row++) { counted += f32(targets[row] < vocabulary); }
  return select(0, 1 / counted, counted > 0);
}

@group(0) @binding(6) var<storage, read> losses: array<f32>; // row_losses
@group(0) @binding(7) var<storage, read_write> loss: array<f32>; // [1], the mean over the rows not left out

fn sum_losses() -> f32 {
  var sum = 0.0;
  for (var row = 0u; row < all_rows; row++) { sum += losses[row]; }
  return sum;
}

@compute @workgroup_size(1)
fn total() {
  let share = weigh();
  weight[0] = share;
  loss[0] = sum_losses() * share;
}

override averages: bool; // the loss is written too

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  differentiate(index);
  if (averages && index == (elements + 63) / 64 * 64) { loss[0] = sum_losses() * known_weight[0]; }
}`, crossEntropySlopePrelude, logsumexpPrelude].join('\n\n');

export const crossEntropy = { name: 'cross-entropy', entryPoints, code } as const;
