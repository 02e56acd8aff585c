// Made from kernels/decode/cache-append.wgsl by `npm run generate`. Do not edit.
import { storedPrelude } from './prelude/stored.ts';
import { turnedPrelude } from './prelude/turned.ts';

const entryPoints = {
  append: {
    bindings: [
      {"number":0,"name":"qkv","access":"read","type":"array<Qkv>","stored":"Qkv"},
      {"number":1,"name":"cursor","access":"read","type":"array<u32>"},
      {"number":2,"name":"angles","access":"read","type":"array<vec2f>"},
      {"number":3,"name":"keys","access":"write","type":"array<Keys>","stored":"Keys"},
      {"number":4,"name":"values","access":"write","type":"array<Values>","stored":"Values"},
    ],
    required: ["at_cursor","capacity","head_size","heads","kv_heads","rows","slotted","turns"],
    optional: [],
  },
} as const;

const code = [`// Puts keys and values of new rows behind those in the cache. Keys lie [K, D, S], so that a query reads one element of
// neighbouring positions at a time; values lie [S, K, D]. One invocation an element of the new keys. Keys are turned by the angle
// of their position where \`turns\` says so.
// with: stored, turned

override rows: u32; // R
override heads: u32; // H
override kv_heads: u32; // K
override head_size: u32; // D
override capacity: u32; // S
override at_cursor: bool; // a row is of its own text, at that one's cursor; else all rows are of one text, from position 0 on
override slotted: bool; // the number of that text is cursor[0]; else it is 0, and \`cursor\` is any buffer
override turns: bool; // else \`angles\` is any buffer

alias Qkv = f32;
alias Keys = f32;
const keys_is_half = Keys(2049) == Keys(2048);
alias Values = f32;
const values_is_half = Values(2049) == Values(2048);

@group(0) @binding(0) var<storage, read> qkv: array<Qkv>; // [R, (H + 2 K) D]
@group(0) @binding(1) var<storage, read> cursor: array<u32>;
@group(0) @binding(2) var<storage, read> angles: array<vec2f>; // [S, D/2] of (cosine, sine)
@group(0) @binding(3) var<storage, read_write> keys: array<Keys>; // [B, K, D, S]
@group(0) @binding(4) var<storage, read_write> values: array<Values>; // [B, S, K, D]

@compute @workgroup_size(64)
fn append(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  let width = kv_heads * head_size;
  if (index >= rows * width) { return; }
  let row = index / width;
  var position = row;
  var text = 0u;
  if (at_cursor) {
    position = cursor[4 * row + 1];
    text = row;
  } else if (slotted) { text = cursor[0]; }
  if (position >= capacity) { return; }
  let d = index % head_size;
  let head = index % width / head_size;
  let key = (row * (heads + 2 * kv_heads) + heads + head) * head_size;
  let key_at = ((text * kv_heads + head) * head_size + d) * capacity + position;
  keys[key_at] = Keys(storable(turned(key, d, position), keys_is_half));
  let value_at = (text * capacity + position) * width + index % width;
  values[value_at] = Values(storable(f32(qkv[key + width + d]), values_is_half));
}`, storedPrelude, turnedPrelude].join('\n\n');

export const cacheAppend = { name: 'cache-append', entryPoints, code } as const;
