// Gradient of causal self-attention for software adapters; see attention.wgsl for the layout. `queries` runs first: one
// invocation a query, writes dq and the mean slope of each query. `keys`: one invocation a key, writes dk and dv.
// With w = exp(score - logsumexp): dv = sum of w * dy, dscore = w * (dy . v - mean) * scale, mean = dy . y.

const most = 128u; // the largest D

override batch: u32; // B
override time: u32; // T
override heads: u32; // H
override head_size: u32; // D
override scale: f32; // of the scores

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [B * T, 3 C]
@group(0) @binding(1) var<storage, read> out: array<f32>; // [B * T, C]
@group(0) @binding(2) var<storage, read> logsumexp: array<f32>; // [B, H, T]
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [B * T, C], of out
@group(0) @binding(4) var<storage, read_write> means: array<f32>; // [B, H, T]
@group(0) @binding(5) var<storage, read_write> qkv_gradient: array<f32>; // [B * T, 3 C]

// <prelude attention-layout>
/// One head of one sequence at one position, numbered [B, H, T].
struct Place {
  t: u32,
  first: u32, // the number of the same head's place at t = 0
  sequence: u32, // first row of the sequence
  column: u32, // of the head in a part of width C
}

fn place_of(number: u32) -> Place {
  let head = number / time;
  return Place(number % time, head * time, head / heads * time, head % heads * head_size);
}

/// Where q (part 0), k (1) or v (2) of a head begins in qkv [B * T, 3 C].
fn offset_in_qkv(place: Place, t: u32, part: u32) -> u32 {
  return ((place.sequence + t) * 3 + part) * heads * head_size + place.column;
}

/// Where a head begins in out [B * T, C].
fn offset_in_out(place: Place, t: u32) -> u32 {
  return (place.sequence + t) * heads * head_size + place.column;
}
// </prelude>

/// The dot product of a head in `gradient` and a head in `qkv`.
fn agreement(from_gradient: u32, from_qkv: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < head_size; d++) { sum += gradient[from_gradient + d] * qkv[from_qkv + d]; }
  return sum;
}

fn weight_of(query: u32, key: u32, query_index: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < head_size; d++) { sum += qkv[query + d] * qkv[key + d]; }
  return exp(sum * scale - logsumexp[query_index]);
}

@compute @workgroup_size(64)
fn queries(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= batch * heads * time) { return; }
  let place = place_of(index);
  let query = offset_in_qkv(place, place.t, 0);
  let output = offset_in_out(place, place.t);
  var mean = 0.0;
  for (var d = 0u; d < head_size; d++) { mean += gradient[output + d] * out[output + d]; }
  var sums: array<f32, most>;
  for (var past = 0u; past <= place.t; past++) {
    let key = offset_in_qkv(place, past, 1);
    let slope = weight_of(query, key, index) * (agreement(output, offset_in_qkv(place, past, 2)) - mean) * scale;
    for (var d = 0u; d < head_size; d++) { sums[d] += slope * qkv[key + d]; }
  }
  for (var d = 0u; d < head_size; d++) { qkv_gradient[query + d] = sums[d]; }
  means[index] = mean;
}

@compute @workgroup_size(64)
fn keys(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= batch * heads * time) { return; }
  let place = place_of(index);
  let key = offset_in_qkv(place, place.t, 1);
  let value = offset_in_qkv(place, place.t, 2);
  var key_sums: array<f32, most>;
  var value_sums: array<f32, most>;
  for (var later = place.t; later < time; later++) {
    let query = offset_in_qkv(place, later, 0);
    let output = offset_in_out(place, later);
    let weight = weight_of(query, key, place.first + later);
    let slope = weight * (agreement(output, value) - means[place.first + later]) * scale;
    for (var d = 0u; d < head_size; d++) {
      key_sums[d] += slope * qkv[query + d];
      value_sums[d] += weight * gradient[output + d];
    }
  }
  for (var d = 0u; d < head_size; d++) {
    qkv_gradient[key + d] = key_sums[d];
    qkv_gradient[value + d] = value_sums[d];
  }
}
