// Made from kernels/prelude/attention-layout.wgsl by `npm run generate`. Do not edit.
export const attentionLayoutPrelude = `// Sizes of causal self-attention, and where a head lies in qkv.

override batch: u32; // B
override time: u32; // T
override heads: u32; // H, of queries
override kv_heads: u32; // K, of keys and values, a divisor of H: H / K heads of queries share one
override head_size: u32; // D
override scale: f32; // of the scores

alias Qkv = f32;

@group(0) @binding(0) var<storage, read> qkv: array<Qkv>; // [B * T, (H + 2 K) D]

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
}`;
