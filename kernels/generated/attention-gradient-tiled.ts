// Made from kernels/attention/attention-gradient-tiled.wgsl by `npm run generate`. Do not edit.
import { attentionTilePrelude } from './prelude/attention-tile.ts';
import { attentionLayoutPrelude } from './prelude/attention-layout.ts';
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  backward: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"out","access":"read","type":"array<Out>","stored":"Out"},
      {"number":2,"name":"logsumexp","access":"read","type":"array<f32>"},
      {"number":3,"name":"gradient","access":"read","type":"array<Gradient>","stored":"Gradient"},
      {"number":4,"name":"qkv_gradient","access":"write","type":"array<QkvGradient>","stored":"QkvGradient"},
      {"number":5,"name":"angles","access":"read","type":"array<vec2f>"},
    ],
    required: ["batch","head_size","heads","kv_heads","scale","tile","time","turns"],
    optional: ["columns","gradient_scale","qkv_gradient_scale","stride","vectors"],
  },
} as const;

const code = [`// Gradient of causal self-attention for GPUs, in one dispatch: the first workgroups take a tile of keys over the tiles of queries
// from the diagonal on, the others a tile of queries over the tiles of keys up to the diagonal. Formulas as in
// attention-gradient.wgsl. Two tiles stay in workgroup memory (slots 0 and 1), a third one (slot 2) changes.
// with: attention-tile, stored

const tile_count = 3u;

override gradient_scale: f32 = 1;
override qkv_gradient_scale: f32 = 1;

alias Out = f32;
alias Gradient = f32;
alias QkvGradient = f32;
const qkv_gradient_is_half = QkvGradient(2049) == QkvGradient(2048);

@group(0) @binding(1) var<storage, read> out: array<Out>; // [B * T, H D]
@group(0) @binding(2) var<storage, read> logsumexp: array<f32>; // [B, H, T]
@group(0) @binding(3) var<storage, read> gradient: array<Gradient>; // [B * T, H D], of out
@group(0) @binding(4) var<storage, read_write> qkv_gradient: array<QkvGradient>; // [B * T, (H + 2 K) D]

var<workgroup> mean_parts: array<f32, 64>; // of the rows of a tile of queries

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = id.y * groups.x + id.x;
  let head_tiles = (time + tile - 1) / tile;
  let key_tiles = batch * kv_heads * head_tiles;
  if (group < key_tiles) { keys(work_of(group, heads / kv_heads, false), lane); }
  else if (group - key_tiles < batch * heads * head_tiles) { queries(work_of(group - key_tiles, 1, true), lane); }
}

fn queries(work: Work, lane: u32) {
  let x = lane % 8;
  let y = lane / 8;
  var sums: Sums;
  stage_qkv(0, work.place, work.first, 0, lane);
  stage_gradient(1, work.place, work.first, lane);
  share_means(work.place, work.first, lane);
  workgroupBarrier();
  var mean = vec4f();
  for (var i = 0u; i < tile / 8; i++) { mean[i] = mean_of(y + 8 * i); }
  for (var key = 0u; key <= work.first; key += tile) {
    stage_qkv(2, work.place, key, 1, lane);
    workgroupBarrier();
    let scores = products(0, 2, x, y);
    workgroupBarrier();
    stage_qkv(2, work.place, key, 2, lane);
    workgroupBarrier();
    let agreements = products(1, 2, x, y);
    var slopes: Products;
    for (var i = 0u; i < tile / 8; i++) {
      for (var j = 0u; j < tile / 8; j++) {
        let weight = weight_of(scores[i * 4 + j], work.place, work.first + y + 8 * i, key + x + 8 * j);
        slopes[i * 4 + j] = weight * (agreements[i * 4 + j] - mean[i]) * scale;
      }
    }
    share(slopes, x, y);
    workgroupBarrier();
    stage_qkv(2, work.place, key, 1, lane);
    workgroupBarrier();
    accumulate(&sums, 2, x, y);
    workgroupBarrier();
  }
  if (turns) { turn_back(&sums, work.first, x, y); }
  write_gradient(work, 0, sums, x, y);
}

fn keys(work: Work, lane: u32) {
  let x = lane % 8;
  let y = lane / 8;
  var key_sums: Sums;
  var value_sums: Sums;
  stage_qkv(0, work.place, work.first, 1, lane);
  stage_qkv(1, work.place, work.first, 2, lane);
  for (var member = 0u; member < heads / kv_heads; member++) {
    let place = place_of(work.place.first + member * time);
    for (var query = work.first; query < time; query += tile) {
      stage_qkv(2, place, query, 0, lane);
      workgroupBarrier();
      var values = products(0, 2, x, y);
      workgroupBarrier();
      stage_gradient(2, place, query, lane);
      share_means(place, query, lane);
      for (var i = 0u; i < tile / 8; i++) {
        for (var j = 0u; j < tile / 8; j++) {
          values[i * 4 + j] = weight_of(values[i * 4 + j], place, query + x + 8 * j, work.first + y + 8 * i);
        }
      }
      share(values, x, y);
      workgroupBarrier();
      accumulate(&value_sums, 2, x, y);
      let agreements = products(1, 2, x, y);
      for (var j = 0u; j < tile / 8; j++) {
        let mean = mean_of(x + 8 * j);
        for (var i = 0u; i < tile / 8; i++) { values[i * 4 + j] *= (agreements[i * 4 + j] - mean) * scale; }
      }
      workgroupBarrier();
      share(values, x, y);
      stage_qkv(2, place, query, 0, lane);
      workgroupBarrier();
      accumulate(&key_sums, 2, x, y);
      workgroupBarrier();
    }
  }
  if (turns) { turn_back(&key_sums, work.first, x, y); }
  write_gradient(work, 1, key_sums, x, y);
  write_gradient(work, 2, value_sums, x, y);
}

/// The weight of a key for a query, from the unscaled score; 0 for a key that the query does not see.
fn weight_of(score: f32, place: Place, query: u32, key: u32) -> f32 {
  if (key > query || query >= time) { return 0; }
  return exp(score * scale - logsumexp[place.first + query]);
}

/// Shares the mean slopes of a tile of queries, dy . y, in parts: several invocations have a row in common.
fn share_means(place: Place, first: u32, lane: u32) {
  let t = first + lane % tile;
  var mean = 0.0;
  if (t < time) {
    let at = offset_in_out(place, t);
    for (var d = lane / tile; d < head_size; d += 64 / tile) { mean += f32(gradient[at + d]) * f32(out[at + d]); }
  }
  mean_parts[lane] = mean / gradient_scale;
}

fn mean_of(row: u32) -> f32 {
  var mean = 0.0;
  for (var part = row; part < 64; part += tile) { mean += mean_parts[part]; }
  return mean;
}

fn stage_gradient(slot: u32, place: Place, first: u32, lane: u32) {
  for (var i = lane; i < tile * vectors; i += 64) {
    let row = i / vectors;
    let d = i % vectors * 4;
    let at = offset_in_out(place, first + row) + d;
    var value = vec4f();
    if (first + row < time) {
      value.x = f32(gradient[at]);
      if (d + 1 < head_size) { value.y = f32(gradient[at + 1]); }
      if (d + 2 < head_size) { value.z = f32(gradient[at + 2]); }
      if (d + 3 < head_size) { value.w = f32(gradient[at + 3]); }
    }
    tiles[(slot * tile + row) * stride + i % vectors] = value / gradient_scale;
  }
}

/// The gradients of q or k before they were turned: pairs meet in slot 2, which nobody reads any more.
fn turn_back(sums: ptr<function, Sums>, first: u32, x: u32, y: u32) {
  for (var i = 0u; i < tile / 8; i++) {
    for (var vector = x; vector < vectors; vector += 8) {
      tiles[(2 * tile + y + 8 * i) * stride + vector] = (*sums)[i * columns + vector / 8];
    }
  }
  workgroupBarrier();
  let half = vectors / 2;
  for (var i = 0u; i < tile / 8; i++) {
    for (var vector = x; vector < vectors; vector += 8) {
      let turn = turn_at(first + y + 8 * i, vector % half);
      let other = tiles[(2 * tile + y + 8 * i) * stride + (vector + half) % vectors];
      let own = (*sums)[i * columns + vector / 8];
      (*sums)[i * columns + vector / 8] = own * turn.cosines + select(-other, other, vector < half) * turn.sines;
    }
  }
}

/// Writes this invocation's share of the gradient of q (part 0), k (1) or v (2).
fn write_gradient(work: Work, part: u32, sums: Sums, x: u32, y: u32) {
  for (var i = 0u; i < tile / 8; i++) {
    let t = work.first + y + 8 * i;
    for (var v = 0u; v < columns && t < time; v++) {
      let d = (x + 8 * v) * 4;
      let at = offset_in_qkv(work.place, t, part) + d;
      let value = sums[i * columns + v];
      if (d < head_size) { put(at, value.x); }
      if (d + 1 < head_size) { put(at + 1, value.y); }
      if (d + 2 < head_size) { put(at + 2, value.z); }
      if (d + 3 < head_size) { put(at + 3, value.w); }
    }
  }
}

fn put(at: u32, value: f32) {
  qkv_gradient[at] = QkvGradient(storable(value * qkv_gradient_scale, qkv_gradient_is_half));
}`, attentionTilePrelude, attentionLayoutPrelude, storedPrelude].join('\n\n');

export const attentionGradientTiled = { name: 'attention-gradient-tiled', entryPoints, code } as const;
