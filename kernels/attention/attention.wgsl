// Causal self-attention for software adapters: one invocation a query, no workgroup memory. A row of qkv [B * T, (H + 2 K) D]
// holds q, k and v one after the other: H, K and K heads of D elements. No T x T matrix is stored: the weights of a query
// are summed as they come, relative to the highest score so far. attention-tiled.wgsl is the one for GPUs.

const most = 128u; // the largest D

override batch: u32; // B
override time: u32; // T
override heads: u32; // H, of queries
override kv_heads: u32; // K, of keys and values, a divisor of H: H / K heads of queries share one
override head_size: u32; // D
override scale: f32; // of the scores

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [B * T, (H + 2 K) D]
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // [B * T, H D]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [B, H, T]

// <prelude attention-layout>
/// One head of one sequence at one position, numbered [B, H, T].
struct Place {
  t: u32,
  first: u32, // the number of the same head's place at t = 0
  sequence: u32, // first row of the sequence
  head: u32,
}

fn place_of(number: u32) -> Place {
  let head = number / time;
  return Place(number % time, head * time, head / heads * time, head % heads);
}

/// Where q (part 0), or the k (1) or v (2) that a head of queries uses, begins in qkv [B * T, (H + 2 K) D].
fn offset_in_qkv(place: Place, t: u32, part: u32) -> u32 {
  let shared_head = heads + part * kv_heads + place.head / (heads / kv_heads) - kv_heads;
  let head = select(shared_head, place.head, part == 0);
  return ((place.sequence + t) * (heads + 2 * kv_heads) + head) * head_size;
}

/// Where a head begins in out [B * T, H D].
fn offset_in_out(place: Place, t: u32) -> u32 {
  return ((place.sequence + t) * heads + place.head) * head_size;
}
// </prelude>

fn score(query: u32, key: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < head_size; d++) { sum += qkv[query + d] * qkv[key + d]; }
  return sum * scale;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= batch * heads * time) { return; }
  let place = place_of(index);
  let query = offset_in_qkv(place, place.t, 0);
  var sums: array<f32, most>; // of weight * v, relative to exp(highest)
  var weights = 0.0;
  var highest = -3.0e38;
  for (var past = 0u; past <= place.t; past++) {
    let value = offset_in_qkv(place, past, 2);
    let current = score(query, offset_in_qkv(place, past, 1));
    if (current > highest) {
      let shrink = exp(highest - current);
      weights *= shrink;
      for (var d = 0u; d < head_size; d++) { sums[d] *= shrink; }
      highest = current;
    }
    let weight = exp(current - highest);
    weights += weight;
    for (var d = 0u; d < head_size; d++) { sums[d] += weight * qkv[value + d]; }
  }
  let to = offset_in_out(place, place.t);
  for (var d = 0u; d < head_size; d++) { out[to + d] = sums[d] / weights; }
  logsumexp[index] = highest + log(weights);
}
