// Made from kernels/attention/attention.wgsl by `npm run generate`. Do not edit.
import { attentionFourPrelude } from './prelude/attention-four.ts';
import { attentionLayoutPrelude } from './prelude/attention-layout.ts';

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
      {"number":2,"name":"logsumexp","access":"write","type":"array<f32>"},
    ],
    required: ["batch","head_size","heads","kv_heads","scale","time"],
    optional: [],
  },
} as const;

const code = [`// Causal self-attention for software adapters: one invocation four queries, no workgroup memory. A row of qkv [B * T, (H + 2 K) D]
// holds q, k and v one after the other: H, K and K heads of D elements. No T x T matrix is stored: the weights of a query
// are summed as they come, relative to the highest score so far. attention-tiled.wgsl is the one for GPUs.
// with: attention-four

const most = 128u; // the largest D

@group(0) @binding(1) var<storage, read_write> out: array<f32>; // [B * T, H D]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [B, H, T]

@compute @workgroup_size(16)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 16 + id.x;
  if (index >= batch * heads * ((time + 3) / 4)) { return; }
  let place = four_of(index);
  let query = fours_in_qkv(place, place.t, 0);
  var sums: array<vec4f, most>; // of weight * v, relative to exp(highest), of four queries
  var weights = vec4f();
  var highest = vec4f(-1.0e37); // above hidden scores: a row that sees only -infinity has no weights
  for (var past = 0u; past <= place.t; past += 4) {
    var scores = products(query, fours_in_qkv(place, past, 1));
    if (past == place.t) { hide_later(&scores); }
    scores = scale * scores;
    let best = max(max(max(highest, scores[0]), max(scores[1], scores[2])), scores[3]);
    let shrink = exp(highest - best);
    highest = best;
    for (var j = 0u; j < 4; j++) { scores[j] = exp(scores[j] - best); }
    weights = weights * shrink + scores[0] + scores[1] + scores[2] + scores[3];
    let value = fours_in_qkv(place, past, 2);
    for (var d = 0u; d < head_size; d++) { sums[d] = sums[d] * shrink + scores * four_of_qkv(value, d); }
  }
  for (var i = 0u; i < min(4, time - place.t); i++) {
    let to = offset_in_out(place, place.t + i);
    for (var d = 0u; d < head_size; d++) { out[to + d] = sums[d][i] / weights[i]; }
    logsumexp[place.first + place.t + i] = highest[i] + log(weights[i]);
  }
}

/// Of the scores of four queries with the keys at the same positions, those that come later weigh nothing.
fn hide_later(scores: ptr<function, mat4x4f>) {
  (*scores)[1].x = -3.0e38;
  (*scores)[2] = vec4f(vec2f(-3.0e38), (*scores)[2].zw);
  (*scores)[3] = vec4f(vec3f(-3.0e38), (*scores)[3].w);
}`, attentionFourPrelude, attentionLayoutPrelude].join('\n\n');

export const attention = { name: 'attention', entryPoints, code } as const;
