// Made from kernels/decode/cache-attention.wgsl by `npm run generate`. Do not edit.
import { turnedPrelude } from './prelude/turned.ts';

const entryPoints = {
  attend: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"cursor","access":"read","type":"array<vec4u>"},
      {"number":2,"name":"angles","access":"read","type":"array<vec2f>"},
      {"number":3,"name":"keys","access":"read","type":"array<Keys>","stored":"Keys"},
      {"number":4,"name":"values","access":"read","type":"array<Values>","stored":"Values"},
      {"number":5,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["capacity","head_size","heads","kv_heads","scale","turns"],
    optional: [],
  },
  attend_alone: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"cursor","access":"read","type":"array<vec4u>"},
      {"number":2,"name":"angles","access":"read","type":"array<vec2f>"},
      {"number":3,"name":"keys","access":"read","type":"array<Keys>","stored":"Keys"},
      {"number":4,"name":"values","access":"read","type":"array<Values>","stored":"Values"},
      {"number":5,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["capacity","head_size","heads","kv_heads","scale","turns"],
    optional: [],
  },
} as const;

const code = [`// Attention of one query a text and head over all that the cache holds up to its cursor's position, which is the query's own. Scores are
// never stored whole: what was summed is scaled down when a higher score comes. Head h uses the keys of head h K / H.
// with: turned

const most = 128u; // the largest D
const lanes = 256u; // at least 2 D

override heads: u32; // H
override kv_heads: u32; // K
override head_size: u32; // D
override capacity: u32; // S
override scale: f32; // of the scores
override turns: bool; // else \`angles\` is any buffer

alias Qkv = f32;
alias Keys = f32;
alias Values = f32;

@group(0) @binding(0) var<storage, read> qkv: array<Qkv>; // [B, (H + 2 K) D]
@group(0) @binding(1) var<storage, read> cursor: array<vec4u>; // [B]
@group(0) @binding(2) var<storage, read> angles: array<vec2f>; // [S, D/2] of (cosine, sine)
@group(0) @binding(3) var<storage, read> keys: array<Keys>; // [B, K, D, S]
@group(0) @binding(4) var<storage, read> values: array<Values>; // [B, S, K, D]
@group(0) @binding(5) var<storage, read_write> out: array<f32>; // [B, H D]

var<workgroup> query: array<f32, most>;
var<workgroup> weights: array<f32, lanes>;
var<workgroup> partial: array<f32, lanes>;

fn highest_of_lanes(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { partial[lane] = max(partial[lane], partial[lane + half]); }
  }
  workgroupBarrier();
  let highest = partial[0];
  workgroupBarrier();
  return highest;
}

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  workgroupBarrier();
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}

/// A workgroup a head of a text. In a chunk of positions each lane makes one score; then D lanes side by side sum the values of every
/// \`slices\`-th position.
@compute @workgroup_size(lanes)
fn attend(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let head = group.x;
  let text = group.y;
  let shared_head = head / (heads / kv_heads);
  let position = min(cursor[text].y, capacity - 1);
  let row = text * (heads + 2 * kv_heads) * head_size; // in qkv
  if (lane < head_size) { query[lane] = turned(row + head * head_size, lane, position) * scale; }
  workgroupBarrier();
  let slices = lanes / head_size;
  let slice = lane / head_size;
  let d = lane % head_size;
  var sum = 0.0; // of this lane's element and slice
  var weight_sum = 0.0;
  var highest = -3.0e38;
  for (var first = 0u; first <= position; first += lanes) {
    let t = first + lane;
    var score = -3.0e38;
    if (t <= position) {
      score = 0.0;
      for (var i = 0u; i < head_size; i++) { score += query[i] * f32(keys[((text * kv_heads + shared_head) * head_size + i) * capacity + t]); }
    }
    let next = max(highest, highest_of_lanes(lane, score));
    let shrink = exp(highest - next);
    var weight = 0.0;
    if (t <= position) { weight = exp(score - next); }
    weights[lane] = weight;
    weight_sum = weight_sum * shrink + sum_of_lanes(lane, weight); // its barriers show the weights to all
    sum *= shrink;
    highest = next;
    if (slice < slices) {
      let count = min(lanes, position + 1 - first);
      for (var i = slice; i < count; i += slices) {
        sum += weights[i] * f32(values[((text * capacity + first + i) * kv_heads + shared_head) * head_size + d]);
      }
    }
    workgroupBarrier();
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane >= head_size) { return; }
  var total = 0.0;
  for (var i = 0u; i < slices; i++) { total += partial[i * head_size + lane]; }
  out[(text * heads + head) * head_size + lane] = total / weight_sum;
}

/// One invocation a head of a text, without workgroup memory: for software adapters.
@compute @workgroup_size(1)
fn attend_alone(@builtin(workgroup_id) group: vec3u) {
  let head = group.x;
  let text = group.y;
  let shared_head = head / (heads / kv_heads);
  let position = min(cursor[text].y, capacity - 1);
  let row = text * (heads + 2 * kv_heads) * head_size; // in qkv
  var q: array<f32, most>;
  for (var i = 0u; i < head_size; i++) { q[i] = turned(row + head * head_size, i, position) * scale; }
  var sums: array<f32, most>;
  var weight_sum = 0.0;
  var highest = -3.0e38;
  for (var t = 0u; t <= position; t++) {
    var score = 0.0;
    for (var i = 0u; i < head_size; i++) { score += q[i] * f32(keys[((text * kv_heads + shared_head) * head_size + i) * capacity + t]); }
    let next = max(highest, score);
    let shrink = exp(highest - next);
    let weight = exp(score - next);
    weight_sum = weight_sum * shrink + weight;
    highest = next;
    let value = ((text * capacity + t) * kv_heads + shared_head) * head_size;
    for (var i = 0u; i < head_size; i++) { sums[i] = sums[i] * shrink + weight * f32(values[value + i]); }
  }
  for (var i = 0u; i < head_size; i++) { out[(text * heads + head) * head_size + i] = sums[i] / weight_sum; }
}`, turnedPrelude].join('\n\n');

export const cacheAttention = { name: 'cache-attention', entryPoints, code } as const;
