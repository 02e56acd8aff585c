// Made from kernels/quantize/quantized-embedding.wgsl by `npm run generate`. Do not edit.
import { quantizedPrelude } from './prelude/quantized.ts';

const entryPoints = {
  lookup: {
    bindings: [
      {"number":0,"name":"tokens","access":"read","type":"array<u32>"},
      {"number":1,"name":"packed","access":"read","type":"array<u32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
      {"number":3,"name":"positions","access":"read","type":"array<f32>"},
      {"number":6,"name":"scales","access":"read","type":"array<f32>"},
    ],
    required: ["at_cursor","bits","elements","placed","time","width"],
    optional: [],
  },
} as const;

const code = [`// Rows of a table that lies quantized, each with a row of positions where there are some; one invocation an element of the output.
// with: quantized

override time: u32; // T; unused at the cursor
override width: u32; // C
override elements: u32; // R * C
override at_cursor: bool; // \`tokens\` are cursors [4 R]: a row is the token of one at its position
override placed: bool; // else \`positions\` is any buffer

@group(0) @binding(0) var<storage, read> tokens: array<u32>; // [R], or [4 R]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [R, C]
@group(0) @binding(3) var<storage, read> positions: array<f32>; // [>= T, C]

@compute @workgroup_size(64)
fn lookup(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  prepare(lane);
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  let row = index / width;
  let column = index % width;
  var token = tokens[row];
  var position = row % time;
  if (at_cursor) {
    token = tokens[4 * row];
    position = tokens[4 * row + 1];
  }
  var value = b_element(token * width + column);
  if (placed) { value += positions[position * width + column]; }
  out[index] = value;
}`, quantizedPrelude].join('\n\n');

export const quantizedEmbedding = { name: 'quantized-embedding', entryPoints, code } as const;
