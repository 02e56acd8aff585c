// Made from kernels/attention/attention-gradient.wgsl by `npm run generate`. Do not edit.
import { attentionFourPrelude } from './prelude/attention-four.ts';
import { attentionLayoutPrelude } from './prelude/attention-layout.ts';

const entryPoints = {
  queries: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"out","access":"read","type":"array<f32>"},
      {"number":2,"name":"logsumexp","access":"read","type":"array<f32>"},
      {"number":3,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":4,"name":"means","access":"write","type":"array<f32>"},
      {"number":5,"name":"qkv_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["batch","head_size","heads","kv_heads","scale","time"],
    optional: [],
  },
  keys: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":2,"name":"logsumexp","access":"read","type":"array<f32>"},
      {"number":3,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":4,"name":"means","access":"write","type":"array<f32>"},
      {"number":5,"name":"qkv_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["batch","head_size","heads","kv_heads","scale","time"],
    optional: [],
  },
} as const;

const code = [`// Gradient of causal self-attention for software adapters; see attention.wgsl for the layout. \`queries\` runs first: one
// invocation a query, writes dq and the mean slope of each query. \`keys\`: one invocation a key, writes dk and dv, summed
// over the heads of queries that share it.
// With w = exp(score - logsumexp): dv = sum of w * dy, dscore = w * (dy . v - mean) * scale, mean = dy . y.
// with: attention-four

const most = 128u; // the largest D

@group(0) @binding(1) var<storage, read> out: array<f32>; // [B * T, H D]
@group(0) @binding(2) var<storage, read> logsumexp: array<f32>; // [B, H, T]
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [B * T, H D], of out
@group(0) @binding(4) var<storage, read_write> means: array<f32>; // [B, H, T]
@group(0) @binding(5) var<storage, read_write> qkv_gradient: array<f32>; // [B * T, (H + 2 K) D]

/// Where four positions begin in out and its gradient.
fn fours_in_out(place: Place, t: u32) -> vec4u {
  let first = offset_in_out(place, 0);
  return first + times_from(t) * (offset_in_out(place, 1) - first);
}

fn four_of_gradient(at: vec4u, d: u32) -> vec4f {
  return vec4f(gradient[at.x + d], gradient[at.y + d], gradient[at.z + d], gradient[at.w + d]);
}

/// [j][i] = value i . dy j
fn agreements(value: vec4u, output: vec4u) -> mat4x4f {
  var sums: mat4x4f;
  for (var d = 0u; d < head_size; d++) {
    let values = four_of_qkv(value, d);
    let slopes = four_of_gradient(output, d);
    sums[0] += values * slopes.x;
    sums[1] += values * slopes.y;
    sums[2] += values * slopes.z;
    sums[3] += values * slopes.w;
  }
  return sums;
}

/// [j][i]: the weight of key i for query j, from the unscaled scores; 0 for a key that the query does not see.
fn weights_of(scores: mat4x4f, place: Place, query: u32, key: u32) -> mat4x4f {
  var weights: mat4x4f;
  for (var j = 0u; j < 4; j++) {
    let t = query + j;
    if (t >= time) { continue; }
    let seen = vec4u(t) >= key + vec4u(0, 1, 2, 3);
    weights[j] = select(vec4f(), exp(scores[j] * scale - logsumexp[place.first + t]), seen);
  }
  return weights;
}

/// As weights_of, the gradients of the unscaled scores.
fn slopes_of(weights: mat4x4f, agreements: mat4x4f, mean: vec4f) -> mat4x4f {
  var slopes: mat4x4f;
  for (var j = 0u; j < 4; j++) { slopes[j] = weights[j] * (agreements[j] - mean[j]) * scale; }
  return slopes;
}

@compute @workgroup_size(16)
fn queries(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 16 + id.x;
  if (index >= batch * heads * ((time + 3) / 4)) { return; }
  let place = four_of(index);
  let query = fours_in_qkv(place, place.t, 0);
  let output = fours_in_out(place, place.t);
  var mean = vec4f();
  for (var d = 0u; d < head_size; d++) {
    let outs = vec4f(out[output.x + d], out[output.y + d], out[output.z + d], out[output.w + d]);
    mean += four_of_gradient(output, d) * outs;
  }
  var sums: array<vec4f, most>; // of four queries
  for (var past = 0u; past <= place.t; past += 4) {
    let key = fours_in_qkv(place, past, 1);
    let weights = weights_of(products(key, query), place, place.t, past);
    let slopes = slopes_of(weights, agreements(fours_in_qkv(place, past, 2), output), mean);
    for (var d = 0u; d < head_size; d++) { sums[d] += four_of_qkv(key, d) * slopes; }
  }
  for (var j = 0u; j < min(4, time - place.t); j++) {
    let to = offset_in_qkv(place, place.t + j, 0);
    for (var d = 0u; d < head_size; d++) { qkv_gradient[to + d] = sums[d][j]; }
    means[place.first + place.t + j] = mean[j];
  }
}

@compute @workgroup_size(16)
fn keys(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 16 + id.x;
  let fours = (time + 3) / 4;
  if (index >= batch * kv_heads * fours) { return; }
  let group = heads / kv_heads;
  let own = four_of(index / fours * group * fours + index % fours); // of the first head that shares the keys
  let key = fours_in_qkv(own, own.t, 1);
  let value = fours_in_qkv(own, own.t, 2);
  var key_sums: array<vec4f, most>;
  var value_sums: array<vec4f, most>;
  for (var member = 0u; member < group; member++) {
    let place = place_of(own.first + member * time);
    for (var later = own.t; later < time; later += 4) {
      let query = fours_in_qkv(place, later, 0);
      let output = fours_in_out(place, later);
      let at = place.first + times_from(later);
      let mean = vec4f(means[at.x], means[at.y], means[at.z], means[at.w]);
      let weights = weights_of(products(key, query), place, later, own.t);
      let slopes = slopes_of(weights, agreements(value, output), mean);
      for (var d = 0u; d < head_size; d++) {
        key_sums[d] += slopes * four_of_qkv(query, d);
        value_sums[d] += weights * four_of_gradient(output, d);
      }
    }
  }
  for (var i = 0u; i < min(4, time - own.t); i++) {
    let key_to = offset_in_qkv(own, own.t + i, 1);
    let value_to = offset_in_qkv(own, own.t + i, 2);
    for (var d = 0u; d < head_size; d++) {
      qkv_gradient[key_to + d] = key_sums[d][i];
      qkv_gradient[value_to + d] = value_sums[d][i];
    }
  }
}`, attentionFourPrelude, attentionLayoutPrelude].join('\n\n');

export const attentionGradient = { name: 'attention-gradient', entryPoints, code } as const;
