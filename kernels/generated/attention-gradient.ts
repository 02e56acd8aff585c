// Made from kernels/attention/attention-gradient.wgsl by `npm run generate`. Do not edit.
export const attentionGradient = {
  name: 'attention-gradient',
  entryPoints: {
    queries: {
      bindings: [
        {"number":0,"name":"qkv","access":"read","type":"array<f32>"},
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
        {"number":0,"name":"qkv","access":"read","type":"array<f32>"},
        {"number":2,"name":"logsumexp","access":"read","type":"array<f32>"},
        {"number":3,"name":"gradient","access":"read","type":"array<f32>"},
        {"number":4,"name":"means","access":"write","type":"array<f32>"},
        {"number":5,"name":"qkv_gradient","access":"write","type":"array<f32>"},
      ],
      required: ["batch","head_size","heads","kv_heads","scale","time"],
      optional: [],
    },
  },
  code: `// Gradient of causal self-attention for software adapters; see attention.wgsl for the layout. \`queries\` runs first: one
// invocation a query, writes dq and the mean slope of each query. \`keys\`: one invocation a key, writes dk and dv, summed
// over the heads of queries that share it.
// With w = exp(score - logsumexp): dv = sum of w * dy, dscore = w * (dy . v - mean) * scale, mean = dy . y.

const most = 128u; // the largest D

override batch: u32; // B
override time: u32; // T
override heads: u32; // H, of queries
override kv_heads: u32; // K, of keys and values, a divisor of H: H / K heads of queries share one
override head_size: u32; // D
override scale: f32; // of the scores

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [B * T, (H + 2 K) D]
@group(0) @binding(1) var<storage, read> out: array<f32>; // [B * T, H D]
@group(0) @binding(2) var<storage, read> logsumexp: array<f32>; // [B, H, T]
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [B * T, H D], of out
@group(0) @binding(4) var<storage, read_write> means: array<f32>; // [B, H, T]
@group(0) @binding(5) var<storage, read_write> qkv_gradient: array<f32>; // [B * T, (H + 2 K) D]

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

/// The dot product of a head in \`gradient\` and a head in \`qkv\`.
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
  if (index >= batch * kv_heads * time) { return; }
  let group = heads / kv_heads;
  let own = place_of(index / time * group * time + index % time); // of the first head that shares the key
  let key = offset_in_qkv(own, own.t, 1);
  let value = offset_in_qkv(own, own.t, 2);
  var key_sums: array<f32, most>;
  var value_sums: array<f32, most>;
  for (var member = 0u; member < group; member++) {
    let place = place_of(own.first + member * time);
    for (var later = own.t; later < time; later++) {
      let query = offset_in_qkv(place, later, 0);
      let output = offset_in_out(place, later);
      let weight = weight_of(query, key, place.first + later);
      let slope = weight * (agreement(output, value) - means[place.first + later]) * scale;
      for (var d = 0u; d < head_size; d++) {
        key_sums[d] += slope * qkv[query + d];
        value_sums[d] += weight * gradient[output + d];
      }
    }
  }
  for (var d = 0u; d < head_size; d++) {
    qkv_gradient[key + d] = key_sums[d];
    qkv_gradient[value + d] = value_sums[d];
  }
}
`,
} as const;
