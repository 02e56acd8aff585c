// Causal self-attention for GPUs: a workgroup takes a tile of queries and goes over the tiles of keys up to the diagonal.
// Layout of qkv and outputs as in attention.wgsl. FlashAttention-2: Dao 2023, arXiv:2307.08691.
// with: attention-tile, stored

const tile_count = 2u;
const lowest = -1.0e37; // above hidden scores: a row that sees only -infinity has no weights

alias Out = f32;
const out_is_half = Out(2049) == Out(2048);

@group(0) @binding(1) var<storage, read_write> out: array<Out>; // [B * T, H D]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [B, H, T]

var<workgroup> partials: array<f32, tile * 8>; // of a row of queries, one from each x

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = id.y * groups.x + id.x;
  if (group >= batch * heads * ((time + tile - 1) / tile)) { return; }
  let work = work_of(group, 1, true);
  let x = lane % 8;
  let y = lane / 8;
  var sums: Sums; // of weight * v, relative to exp(highest)
  var highest = vec4f(lowest); // of each of the rows i
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
    var best = lowest;
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
  var best = lowest;
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
    if (vector * 4 + d < head_size) { out[at + d] = Out(storable(value[d], out_is_half)); }
  }
}
