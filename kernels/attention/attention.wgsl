// Causal self-attention for software adapters: one invocation four queries, no workgroup memory. A row of qkv [B * T, (H + 2 K) D]
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

// <prelude attention-four>
// Four positions of one head an invocation: where an adapter is software, a load costs as much as ten multiplications, so that
// what counts is how many multiplications share one. Positions beyond the sequence are its last one, and not written.

/// Four positions of one head in turn, numbered [B, H, ceil(T / 4)].
fn four_of(number: u32) -> Place {
  let fours = (time + 3) / 4;
  return at_time(place_of(number / fours * time), number % fours * 4);
}

fn at_time(place: Place, t: u32) -> Place {
  return Place(t, place.first, place.sequence, place.head);
}

/// The positions from t on.
fn times_from(t: u32) -> vec4u {
  return min(t + vec4u(0, 1, 2, 3), vec4u(time - 1));
}

/// Where q, k or v of four positions begin.
fn fours_in_qkv(place: Place, t: u32, part: u32) -> vec4u {
  let first = offset_in_qkv(place, 0, part);
  return first + times_from(t) * (offset_in_qkv(place, 1, part) - first);
}

fn four_of_qkv(at: vec4u, d: u32) -> vec4f {
  return vec4f(qkv[at.x + d], qkv[at.y + d], qkv[at.z + d], qkv[at.w + d]);
}

/// The products of four heads with four others: [j][i] = left i . right j.
fn products(left: vec4u, right: vec4u) -> mat4x4f {
  var sums: mat4x4f;
  for (var d = 0u; d < head_size; d++) {
    let lefts = four_of_qkv(left, d);
    let rights = four_of_qkv(right, d);
    sums[0] += lefts * rights.x;
    sums[1] += lefts * rights.y;
    sums[2] += lefts * rights.z;
    sums[3] += lefts * rights.w;
  }
  return sums;
}
// </prelude>

@compute @workgroup_size(16)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 16 + id.x;
  if (index >= batch * heads * ((time + 3) / 4)) { return; }
  let place = four_of(index);
  let query = fours_in_qkv(place, place.t, 0);
  var sums: array<vec4f, most>; // of weight * v, relative to exp(highest), of four queries
  var weights = vec4f();
  var highest = vec4f(-3.0e38);
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
}
