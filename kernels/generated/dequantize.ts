// Made from kernels/quantize/dequantize.wgsl by `npm run generate`. Do not edit.
import { quantizedPrelude } from './prelude/quantized.ts';

const entryPoints = {
  unpack: {
    bindings: [
      {"number":1,"name":"packed","access":"read","type":"array<u32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
      {"number":6,"name":"scales","access":"read","type":"array<f32>"},
    ],
    required: ["bits","elements"],
    optional: [],
  },
} as const;

const code = [`// Unpacks a quantized weight into f32, four elements an invocation.
// with: quantized

override elements: u32; // of \`out\`

@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn unpack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  prepare(lane);
  let at = id.y * groups.x * 64 + id.x;
  if (at * 4 >= elements) { return; }
  let four = b_vector(at);
  for (var i = 0u; i < 4 && at * 4 + i < elements; i++) { out[at * 4 + i] = four[i]; }
}`, quantizedPrelude].join('\n\n');

export const dequantize = { name: 'dequantize', entryPoints, code } as const;
