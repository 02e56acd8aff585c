// RMSNorm of each head of q and k in a fused qkv, as in Qwen3; v is copied. One invocation a head, no workgroup memory: a head has at
// most 128 elements. Heads lie one after the other, so that the number of a head is its place: row * (H + 2 K) + head.
// with: stored

override rows: u32; // R
override heads: u32; // H, of queries
override kv_heads: u32; // K, of keys and of values
override head_size: u32; // D
override epsilon: f32;
override gradient_scale: f32 = 1;
override qkv_gradient_scale: f32 = 1;

alias Qkv = f32;
alias Out = f32;
const out_is_half = Out(2049) == Out(2048);
alias Gradient = f32;
alias QkvGradient = f32;
const qkv_gradient_is_half = QkvGradient(2049) == QkvGradient(2048);

@group(0) @binding(0) var<storage, read> qkv: array<Qkv>; // [R, (H + 2 K) D]
@group(0) @binding(1) var<storage, read> query_gain: array<f32>; // [D]
@group(0) @binding(2) var<storage, read> key_gain: array<f32>; // [D]
@group(0) @binding(3) var<storage, read_write> out: array<Out>; // [R, (H + 2 K) D]
@group(0) @binding(4) var<storage, read_write> statistics: array<f32>; // [R, H + K], 1 / root mean square

fn gain_of(head: u32, d: u32) -> f32 {
  if (head < heads) { return query_gain[d]; }
  return key_gain[d];
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  let all = heads + 2 * kv_heads;
  if (index >= rows * all) { return; }
  let at = index * head_size;
  let head = index % all;
  if (head >= heads + kv_heads) {
    for (var d = 0u; d < head_size; d++) { put(at + d, f32(qkv[at + d])); }
    return;
  }
  var squares = 0.0;
  for (var d = 0u; d < head_size; d++) {
    let value = f32(qkv[at + d]);
    squares += value * value;
  }
  let scale = inverseSqrt(squares / f32(head_size) + epsilon);
  for (var d = 0u; d < head_size; d++) { put(at + d, f32(qkv[at + d]) * scale * gain_of(head, d)); }
  statistics[index / all * (heads + kv_heads) + head] = scale;
}

fn put(at: u32, value: f32) {
  out[at] = Out(storable(value, out_is_half));
}

override chunk: u32; // rows whose share of the gains' gradients an invocation sums

@group(0) @binding(3) var<storage, read> saved: array<f32>; // statistics
@group(0) @binding(4) var<storage, read> gradient: array<Gradient>; // [R, (H + 2 K) D], of out
@group(0) @binding(5) var<storage, read_write> qkv_gradient: array<QkvGradient>; // [R, (H + 2 K) D]
@group(0) @binding(6) var<storage, read_write> partials: array<f32>; // [chunks, 2, D], of query_gain and key_gain

/// The first workgroups sum the gradients of the gains over a chunk of rows, the others take a head an invocation.
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  let sums = (rows + chunk - 1) / chunk * 2 * head_size;
  let summing = (sums + 63) / 64 * 64;
  if (index >= summing) { backward_head(index - summing); }
  else if (index < sums) { partials[index] = sum_chunk(index / (2 * head_size), index / head_size % 2, index % head_size); }
}

/// The gradient of the gain of queries (part 0) or keys (1) at d, over a chunk of rows.
fn sum_chunk(number: u32, part: u32, d: u32) -> f32 {
  let all = heads + 2 * kv_heads;
  let first = part * heads;
  let end = select(heads, heads + kv_heads, part == 1);
  var sum = 0.0;
  for (var row = number * chunk; row < min(rows, (number + 1) * chunk); row++) {
    for (var head = first; head < end; head++) {
      let at = (row * all + head) * head_size + d;
      sum += gradient_at(at) * f32(qkv[at]) * saved[row * (heads + kv_heads) + head];
    }
  }
  return sum;
}

fn gradient_at(at: u32) -> f32 {
  return f32(gradient[at]) / gradient_scale;
}

fn put_gradient(at: u32, value: f32) {
  qkv_gradient[at] = QkvGradient(storable(value * qkv_gradient_scale, qkv_gradient_is_half));
}

fn backward_head(index: u32) {
  let all = heads + 2 * kv_heads;
  if (index >= rows * all) { return; }
  let at = index * head_size;
  let head = index % all;
  if (head >= heads + kv_heads) {
    for (var d = 0u; d < head_size; d++) { put_gradient(at + d, gradient_at(at + d)); }
    return;
  }
  let scale = saved[index / all * (heads + kv_heads) + head];
  var projected = 0.0;
  for (var d = 0u; d < head_size; d++) { projected += gradient_at(at + d) * gain_of(head, d) * f32(qkv[at + d]); }
  let slope = projected / f32(head_size) * scale * scale;
  for (var d = 0u; d < head_size; d++) {
    put_gradient(at + d, scale * (gradient_at(at + d) * gain_of(head, d) - f32(qkv[at + d]) * slope));
  }
}

@group(0) @binding(0) var<storage, read> parts: array<f32>; // partials
@group(0) @binding(1) var<storage, read_write> query_gradient: array<f32>; // [D], of query_gain
@group(0) @binding(2) var<storage, read_write> key_gradient: array<f32>; // [D], of key_gain

@compute @workgroup_size(64)
fn fold(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= 2 * head_size) { return; }
  var sum = 0.0;
  for (var at = id.x; at < (rows + chunk - 1) / chunk * 2 * head_size; at += 2 * head_size) { sum += parts[at]; }
  if (id.x < head_size) { query_gradient[id.x] = sum; } else { key_gradient[id.x - head_size] = sum; }
}
