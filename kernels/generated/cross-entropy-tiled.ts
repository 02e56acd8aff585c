// Made from kernels/softmax/cross-entropy-tiled.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"logsumexp","access":"write","type":"array<f32>"},
      {"number":3,"name":"row_losses","access":"write","type":"array<f32>"},
    ],
    required: ["first_row","rows","vocabulary"],
    optional: [],
  },
  total: {
    bindings: [
      {"number":0,"name":"losses","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"loss","access":"write","type":"array<f32>"},
      {"number":3,"name":"weight","access":"write","type":"array<f32>"},
    ],
    required: ["all_rows","vocabulary"],
    optional: [],
  },
} as const;

const code = [`// Softmax with cross-entropy for GPUs: one workgroup a row of logits [N, V], which it reads once. Bindings and meaning are
// those of cross-entropy.wgsl.

const lanes = 256u;

override rows: u32; // of this dispatch
override first_row: u32; // of this dispatch in targets, logsumexp and row_losses
override vocabulary: u32; // V; a target of V or more leaves its row out

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, V]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [N]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [N]
@group(0) @binding(3) var<storage, read_write> row_losses: array<f32>; // [N], zero in rows left out

var<workgroup> highests: array<f32, lanes>;
var<workgroup> sums: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= rows) { return; }
  let at = row * vocabulary;
  var highest = -3.0e38;
  var sum = 0.0; // of exp(logit - highest)
  for (var v = lane; v < vocabulary; v += lanes) {
    let logit = logits[at + v];
    let higher = max(highest, logit);
    sum = sum * exp(highest - higher) + exp(logit - higher);
    highest = higher;
  }
  highests[lane] = highest;
  sums[lane] = sum;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) {
      let higher = max(highests[lane], highests[lane + span]);
      sums[lane] = sums[lane] * exp(highests[lane] - higher) + sums[lane + span] * exp(highests[lane + span] - higher);
      highests[lane] = higher;
    }
  }
  if (lane > 0) { return; }
  let lse = highests[0] + log(sums[0]);
  let target_id = targets[first_row + row];
  logsumexp[first_row + row] = lse;
  row_losses[first_row + row] = 0;
  if (target_id < vocabulary) { row_losses[first_row + row] = lse - logits[at + target_id]; }
}

override all_rows: u32; // N

@group(0) @binding(0) var<storage, read> losses: array<f32>; // row_losses
@group(0) @binding(2) var<storage, read_write> loss: array<f32>; // [1], the mean over the rows not left out
@group(0) @binding(3) var<storage, read_write> weight: array<f32>; // [1], 1 / rows not left out, or 0

var<workgroup> totals: array<vec2f, lanes>; // (loss, rows counted)

@compute @workgroup_size(lanes)
fn total(@builtin(local_invocation_index) lane: u32) {
  var own = vec2f();
  for (var row = lane; row < all_rows; row += lanes) { own += vec2f(losses[row], f32(targets[row] < vocabulary)); }
  totals[lane] = own;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) { totals[lane] += totals[lane + span]; }
  }
  if (lane > 0) { return; }
  let counted = totals[0].y;
  weight[0] = select(0, 1 / counted, counted > 0);
  loss[0] = select(0, totals[0].x / counted, counted > 0);
}`].join('\n\n');

export const crossEntropyTiled = { name: 'cross-entropy-tiled', entryPoints, code } as const;
