// Made from kernels/elementwise/blend.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  blend: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"weights","access":"read","type":"array<f32>"},
      {"number":2,"name":"y","access":"write","type":"array<vec4f>"},
    ],
    required: ["vectors"],
    optional: [],
  },
} as const;

const code = [`// y = kept y + added x, in place; with kept = 0 whatever y held is forgotten, NaN too.

override vectors: u32; // four elements each

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [2]: kept, added
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn blend(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= vectors) { return; }
  let added = weights[1] * x[i];
  if (weights[0] == 0) { y[i] = added; } else { y[i] = weights[0] * y[i] + added; }
}`].join('\n\n');

export const blend = { name: 'blend', entryPoints, code } as const;
