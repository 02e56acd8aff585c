// Causal self-attention for GPUs: a workgroup takes a tile of queries and goes over the tiles of keys up to the diagonal.
// Layout of qkv and outputs as in attention.wgsl. FlashAttention-2: Dao 2023, arXiv:2307.08691.

const tile_count = 2u;

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

// <prelude attention-tile>
// A workgroup of 8 x 8 invocations (x, y) works on tiles: `tile` rows, queries or keys, of one head, in workgroup memory.
// An invocation owns the products of the rows y + 8 i of one tile with the rows x + 8 j of another, and of sums over rows
// the vectors x + 8 v of the rows y + 8 i.

override tile: u32; // 32, or 16 for heads above 64: three tiles fit 32 KiB, and the arrays below suffice
override vectors: u32 = (head_size + 3) / 4; // that hold a row, the last one filled up with zeros
override columns: u32 = (vectors + 7) / 8; // that an invocation owns
override stride: u32 = vectors + 1; // vectors from one row to the next: rows begin in different banks

alias Products = array<f32, 16>; // [i * 4 + j]
alias Sums = array<vec4f, 8>; // [i * columns + v]

var<workgroup> tiles: array<vec4f, tile_count * tile * stride>;
var<workgroup> weights: array<f32, tile * (tile + 1)>;

/// The head's first place and the first row of this workgroup's tile.
struct Work {
  place: Place,
  first: u32,
}

/// The tiles that take longest come first: the last ones for queries, the first ones for keys.
/// @param sharers heads of queries that one tile belongs to; the place is that of the first
fn work_of(group: u32, sharers: u32, is_last_first: bool) -> Work {
  let head_tiles = (time + tile - 1) / tile;
  let number = select(group % head_tiles, head_tiles - 1 - group % head_tiles, is_last_first);
  return Work(place_of(group / head_tiles * sharers * time), number * tile);
}

/// Copies rows of q (part 0), k (1) or v (2) into a tile; zeros beyond the sequence.
fn stage_qkv(slot: u32, place: Place, first: u32, part: u32, lane: u32) {
  for (var i = lane; i < tile * vectors; i += 64) {
    let row = i / vectors;
    let d = i % vectors * 4;
    let at = offset_in_qkv(place, first + row, part) + d;
    var value = vec4f();
    if (first + row < time) {
      value.x = qkv[at];
      if (d + 1 < head_size) { value.y = qkv[at + 1]; }
      if (d + 2 < head_size) { value.z = qkv[at + 2]; }
      if (d + 3 < head_size) { value.w = qkv[at + 3]; }
    }
    tiles[(slot * tile + row) * stride + i % vectors] = value;
  }
}

/// The products of this invocation's rows of two tiles.
fn products(left_slot: u32, right_slot: u32, x: u32, y: u32) -> Products {
  var sums: Products;
  for (var vector = 0u; vector < vectors; vector++) {
    var right: array<vec4f, 4>;
    for (var j = 0u; j < tile / 8; j++) { right[j] = tiles[(right_slot * tile + x + 8 * j) * stride + vector]; }
    for (var i = 0u; i < tile / 8; i++) {
      let left = tiles[(left_slot * tile + y + 8 * i) * stride + vector];
      for (var j = 0u; j < tile / 8; j++) { sums[i * 4 + j] += dot(left, right[j]); }
    }
  }
  return sums;
}

/// Writes this invocation's elements of `weights` [tile, tile].
fn share(values: Products, x: u32, y: u32) {
  for (var i = 0u; i < tile / 8; i++) {
    for (var j = 0u; j < tile / 8; j++) { weights[(y + 8 * i) * (tile + 1) + x + 8 * j] = values[i * 4 + j]; }
  }
}

/// sums += weights * a tile.
fn accumulate(sums: ptr<function, Sums>, slot: u32, x: u32, y: u32) {
  for (var k = 0u; k < tile; k++) {
    for (var v = 0u; v < columns; v++) {
      let right = tiles[(slot * tile + k) * stride + min(x + 8 * v, vectors)]; // the last one is never written out
      for (var i = 0u; i < tile / 8; i++) { (*sums)[i * columns + v] += weights[(y + 8 * i) * (tile + 1) + k] * right; }
    }
  }
}
// </prelude>

var<workgroup> partials: array<f32, tile * 8>; // of a row of queries, one from each x

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = id.y * groups.x + id.x;
  if (group >= batch * heads * ((time + tile - 1) / tile)) { return; }
  let work = work_of(group, 1, true);
  let x = lane % 8;
  let y = lane / 8;
  var sums: Sums; // of weight * v, relative to exp(highest)
  var highest = vec4f(-3.0e38); // of each of the rows i
  var totals = vec4f(); // of the weights of this invocation's columns
  stage_qkv(0, work.place, work.first, 0, lane);
  for (var key = 0u; key <= work.first; key += tile) {
    stage_qkv(1, work.place, key, 1, lane);
    workgroupBarrier();
    var scores = products(0, 1, x, y);
    mask(&scores, work.first, key, x, y);
    workgroupBarrier();
    stage_qkv(1, work.place, key, 2, lane);
    for (var i = 0u; i < tile / 8; i++) {
      let best = max(highest[i], highest_of_row(y + 8 * i));
      let shrink = exp(highest[i] - best);
      totals[i] *= shrink;
      for (var v = 0u; v < columns; v++) { sums[i * columns + v] *= shrink; }
      for (var j = 0u; j < tile / 8; j++) {
        scores[i * 4 + j] = exp(scores[i * 4 + j] - best);
        totals[i] += scores[i * 4 + j];
      }
      highest[i] = best;
    }
    share(scores, x, y);
    workgroupBarrier();
    accumulate(&sums, 1, x, y);
    workgroupBarrier();
  }
  for (var i = 0u; i < tile / 8; i++) { partials[(y + 8 * i) * 8 + x] = totals[i]; }
  workgroupBarrier();
  for (var i = 0u; i < tile / 8; i++) {
    let t = work.first + y + 8 * i;
    if (t >= time) { continue; }
    let total = total_of_row(y + 8 * i);
    for (var v = 0u; v < columns; v++) { write_out(work.place, t, x + 8 * v, sums[i * columns + v] / total); }
    if (x == 0) { logsumexp[work.place.first + t] = highest[i] + log(total); }
  }
}

/// Scales the scores, hides keys that come after their query, and shares the highest of each row.
fn mask(scores: ptr<function, Products>, query: u32, key: u32, x: u32, y: u32) {
  for (var i = 0u; i < tile / 8; i++) {
    var best = -3.0e38;
    for (var j = 0u; j < tile / 8; j++) {
      let is_seen = key + x + 8 * j <= query + y + 8 * i;
      let score = select(-3.0e38, (*scores)[i * 4 + j] * scale, is_seen);
      (*scores)[i * 4 + j] = score;
      best = max(best, score);
    }
    partials[(y + 8 * i) * 8 + x] = best;
  }
}

fn highest_of_row(row: u32) -> f32 {
  var best = -3.0e38;
  for (var x = 0u; x < 8; x++) { best = max(best, partials[row * 8 + x]); }
  return best;
}

fn total_of_row(row: u32) -> f32 {
  var total = 0.0;
  for (var x = 0u; x < 8; x++) { total += partials[row * 8 + x]; }
  return total;
}

fn write_out(place: Place, t: u32, vector: u32, value: vec4f) {
  let at = offset_in_out(place, t) + vector * 4;
  for (var d = 0u; d < 4; d++) {
    if (vector * 4 + d < head_size) { out[at + d] = value[d]; }
  }
}
