// Made from kernels/quantize/dequantize.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  int8: {
    bindings: [
      {"number":0,"name":"packed","access":"read","type":"array<u32>"},
      {"number":1,"name":"scales","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","words"],
    optional: [],
  },
  nf4: {
    bindings: [
      {"number":0,"name":"packed","access":"read","type":"array<u32>"},
      {"number":1,"name":"scales","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","words"],
    optional: [],
  },
} as const;

const code = [`// Unpacks quantized weights into f32: four bytes or eight nibbles a word, a scale for each block of 64 elements. One invocation
// a word.

override words: u32; // of this dispatch
override elements: u32; // of \`out\`; the last word may hold fewer than it could

@group(0) @binding(0) var<storage, read> packed: array<u32>;
@group(0) @binding(1) var<storage, read> scales: array<f32>; // largest magnitude of each block
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn int8(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let word = id.y * groups.x * 64 + id.x;
  if (word >= words) { return; }
  let scale = scales[word / 16] / 127;
  for (var i = 0u; i < 4 && word * 4 + i < elements; i++) {
    out[word * 4 + i] = f32(extractBits(bitcast<i32>(packed[word]), 8 * i, 8)) * scale;
  }
}

/// NormalFloat4: quantiles of a normal distribution, Dettmers et al. 2023, arXiv:2305.14314, appendix E.
const levels = array<f32, 16>(
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
);

@compute @workgroup_size(64)
fn nf4(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let word = id.y * groups.x * 64 + id.x;
  if (word >= words) { return; }
  var known = levels; // indexed at run time
  let scale = scales[word / 8];
  for (var i = 0u; i < 8 && word * 8 + i < elements; i++) {
    out[word * 8 + i] = known[extractBits(packed[word], 4 * i, 4)] * scale;
  }
}`].join('\n\n');

export const dequantize = { name: 'dequantize', entryPoints, code } as const;
