// Made from kernels/sampling/sample.wgsl by `npm run generate`. Do not edit.
import { randomPrelude } from './prelude/random.ts';

const entryPoints = {
  sample: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"settings","access":"read","type":"array<vec4u>"},
      {"number":2,"name":"cursor","access":"write","type":"array<vec4u>"},
    ],
    required: ["vocabulary"],
    optional: ["lanes"],
  },
} as const;

const code = [`// Draws a token from each row of logits, by one workgroup. What top-k and top-p leave is everything from a certain logit on; the cut is
// found bit by bit among the floats in their order, with no sorting: a count or a sum over the logits for each of 32 bits.
// with: random

override vocabulary: u32; // V
override lanes = 256u;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [B, V]
@group(0) @binding(1) var<storage, read> settings: array<vec4u>; // [B] of temperature (f32), top k, top p (f32), seed
@group(0) @binding(2) var<storage, read_write> cursor: array<vec4u>; // [B] of token, position, drawn, 0

var<workgroup> partial: array<f32, lanes>;
var<workgroup> tops: array<u32, lanes>;
var<workgroup> chosen: u32;
var<private> row: u32; // of this workgroup

fn logit(i: u32) -> f32 { return logits[row * vocabulary + i]; }

/// Unsigned integers in the order of the floats; NaN is below all.
fn rank_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0; }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  for (var width = lanes; width > 1; width = (width + 1) / 2) {
    let half = (width + 1) / 2;
    workgroupBarrier();
    if (lane + half < width) { partial[lane] += partial[lane + half]; }
  }
  return workgroupUniformLoad(&partial[0]);
}

fn highest_rank(lane: u32) -> u32 {
  var highest = 0u;
  for (var i = lane; i < vocabulary; i += lanes) { highest = max(highest, rank_of(logit(i))); }
  tops[lane] = highest;
  for (var width = lanes; width > 1; width = (width + 1) / 2) {
    let half = (width + 1) / 2;
    workgroupBarrier();
    if (lane + half < width) { tops[lane] = max(tops[lane], tops[lane + half]); }
  }
  return workgroupUniformLoad(&tops[0]);
}

/// Of the logits from the rank \`cut\` on: how many there are, or the sum of their weights.
fn total_from(lane: u32, cut: u32, highest: f32, temperature: f32, counts: bool) -> f32 {
  var total = 0.0;
  for (var i = lane; i < vocabulary; i += lanes) {
    if (rank_of(logit(i)) < cut) { continue; }
    if (counts) { total += 1; } else { total += exp((logit(i) - highest) / temperature); }
  }
  return sum_of_lanes(lane, total);
}

/// The highest rank from which on the total reaches \`wanted\`.
fn cut_at(lane: u32, wanted: f32, least: u32, highest: f32, temperature: f32, counts: bool) -> u32 {
  var cut = 0u;
  for (var bit = 0x80000000u; bit > 0; bit >>= 1) {
    let candidate = max(cut | bit, least);
    if (total_from(lane, candidate, highest, temperature, counts) >= wanted) { cut |= bit; }
  }
  return max(cut, least);
}

fn first_of_rank(rank: u32) -> u32 {
  for (var i = 0u; i < vocabulary; i++) {
    if (rank_of(logit(i)) == rank) { return i; }
  }
  return 0;
}

/// The token at which the running sum of weights passes \`share\` of the whole. \`partial\` holds the sums of the lanes' parts.
fn token_at(share: f32, cut: u32, highest: f32, temperature: f32, part: u32) -> u32 {
  var whole = 0.0;
  for (var lane = 0u; lane < lanes; lane++) { whole += partial[lane]; }
  var left = share * whole;
  var lane = 0u;
  for (; lane + 1 < lanes && left >= partial[lane]; lane++) { left -= partial[lane]; }
  var token = vocabulary;
  for (var i = lane * part; i < min(vocabulary, (lane + 1) * part); i++) {
    if (rank_of(logit(i)) < cut) { continue; }
    let weight = exp((logit(i) - highest) / temperature);
    if (weight > 0) { token = i; } // the last one, should rounding leave a sliver
    left -= weight;
    if (left < 0) { break; }
  }
  return token;
}

@compute @workgroup_size(lanes)
fn sample(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  row = group.x;
  let given = settings[group.x];
  let temperature = bitcast<f32>(given.x);
  let top_k = given.y;
  let top_p = bitcast<f32>(given.z);
  let top = highest_rank(lane);
  let is_finite = top > 0x007fffffu && top < 0xff800000u; // between the ranks of the infinities
  if (temperature <= 0 || !is_finite) {
    if (lane == 0) { chosen = first_of_rank(top); }
  } else {
    let highest = bitcast<f32>(select(~top, top & 0x7fffffffu, top >= 0x80000000u));
    var cut = 1u; // without NaN
    if (top_k > 0 && top_k < vocabulary) { cut = cut_at(lane, f32(top_k), 1u, highest, temperature, true); }
    if (top_p < 1) {
      let all = total_from(lane, cut, highest, temperature, false);
      cut = cut_at(lane, top_p * all, cut, highest, temperature, false);
    }
    let part = (vocabulary + lanes - 1) / lanes;
    var sum = 0.0;
    for (var i = lane * part; i < min(vocabulary, (lane + 1) * part); i++) {
      if (rank_of(logit(i)) >= cut) { sum += exp((logit(i) - highest) / temperature); }
    }
    workgroupBarrier();
    partial[lane] = sum;
    workgroupBarrier();
    if (lane == 0) {
      let share = random_uniform(given.w, cursor[row].z);
      let token = token_at(share, cut, highest, temperature, part);
      chosen = select(first_of_rank(top), token, token < vocabulary);
    }
  }
  if (lane == 0) {
    let before = cursor[row];
    cursor[row] = vec4u(chosen, before.y + 1, before.z + 1, before.w);
  }
}`, randomPrelude].join('\n\n');

export const sample = { name: 'sample', entryPoints, code } as const;
