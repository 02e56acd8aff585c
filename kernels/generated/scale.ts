// Made from kernels/elementwise/scale.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  scale: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","factor"],
    optional: [],
  },
} as const;

const code = [`// Multiplies by a number.

override elements: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn scale(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  out[i] = factor * x[i];
}`].join('\n\n');

export const scale = { name: 'scale', entryPoints, code } as const;
