// Made from kernels/head/head-chunk-tiled.wgsl by `npm run generate`. Do not edit.
export const headChunkTiled = {
  name: 'head-chunk-tiled',
  entryPoints: {
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
  },
  code: `// Cross-entropy of an LM head, a chunk of the vocabulary at a time, for GPUs: one workgroup a row.

const lanes = 256u;

// <prelude head-row>
// Logits of some columns of the vocabulary, [rows, width]; what is known of each row so far is kept beside.

override rows: u32;
override width: u32; // of this chunk
override first_column: u32;
override vocabulary: u32; // a target of V or more leaves its row out
override is_first: bool; // chunk
override is_last: bool;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, width]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [rows]
@group(0) @binding(2) var<storage, read_write> known: array<vec4f>; // highest, sum of exp(logit - highest), logit of the target
@group(0) @binding(3) var<storage, read_write> logsumexp: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read_write> row_losses: array<f32>; // [rows], zero in rows left out

/// Adds a chunk's highest logit and its sum of exp(logit - highest) to what is known of a row.
fn note(row: u32, highest: f32, sum: f32) {
  var all = vec4f(highest, sum, 0, 0);
  if (!is_first) {
    let before = known[row];
    let higher = max(before.x, highest);
    all = vec4f(higher, before.y * exp(before.x - higher) + sum * exp(highest - higher), before.z, 0);
  }
  let target_id = targets[row];
  if (target_id >= first_column && target_id - first_column < width) { all.z = logits[row * width + target_id - first_column]; }
  known[row] = all;
  if (!is_last) { return; }
  let lse = all.x + log(all.y);
  logsumexp[row] = lse;
  row_losses[row] = 0;
  if (target_id < vocabulary) { row_losses[row] = lse - all.z; }
}
// </prelude>

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
}
`,
} as const;
