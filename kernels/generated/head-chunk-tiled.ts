// Made from kernels/head/head-chunk-tiled.wgsl by `npm run generate`. Do not edit.
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
} as const;

const code = [`// Cross-entropy of an LM head, a chunk of the vocabulary at a time, for GPUs: one workgroup a row.
// with: head-row

const lanes = 256u;

var<workgroup> highests: array<f32, lanes>;
var<workgroup> sums: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn fold(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= rows) { return; }
  var highest = -3.0e38;
  var sum = 0.0; // of exp(logit - highest)
  for (var v = lane; v < width; v += lanes) {
    let logit = logits[row * width + v];
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
  if (lane == 0) { note(row, highests[0], sums[0]); }
}`, headRowPrelude, logsumexpPrelude].join('\n\n');

export const headChunkTiled = { name: 'head-chunk-tiled', entryPoints, code } as const;
