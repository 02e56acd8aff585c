// Made from kernels/muon/muon-scale.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  scale: {
    bindings: [
      {"number":0,"name":"grams","access":"read","type":"array<f32>"},
      {"number":1,"name":"scales","access":"write","type":"array<f32>"},
    ],
    required: ["matrices","rows"],
    optional: [],
  },
} as const;

const code = [`// One over the Frobenius norm of each matrix X of a stack, from the trace of its Gram matrix X X^T. One invocation a matrix.

override matrices: u32;
override rows: u32;

@group(0) @binding(0) var<storage, read> grams: array<f32>; // [matrices, rows, rows]
@group(0) @binding(1) var<storage, read_write> scales: array<f32>; // [matrices]

@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= matrices) { return; }
  var trace = 0.0;
  for (var i = 0u; i < rows; i++) { trace += grams[(id.x * rows + i) * rows + i]; }
  scales[id.x] = 1 / (sqrt(trace) + 1e-7);
}`].join('\n\n');

export const muonScale = { name: 'muon-scale', entryPoints, code } as const;
