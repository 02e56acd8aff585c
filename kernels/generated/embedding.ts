// Made from kernels/embedding/embedding.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  lookup: {
    bindings: [
      {"number":0,"name":"tokens","access":"read","type":"array<u32>"},
      {"number":1,"name":"table","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","width"],
    optional: [],
  },
  lookup_with_positions: {
    bindings: [
      {"number":0,"name":"tokens","access":"read","type":"array<u32>"},
      {"number":1,"name":"table","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
      {"number":3,"name":"positions","access":"read","type":"array<f32>"},
    ],
    required: ["elements","time","width"],
    optional: [],
  },
} as const;

const code = [`// Token lookup with or without learned positions. R = B * T rows of width C; one invocation an element of the output.

override time: u32; // T
override width: u32; // C
override elements: u32; // R * C

@group(0) @binding(0) var<storage, read> tokens: array<u32>; // [R]
@group(0) @binding(1) var<storage, read> table: array<f32>; // [V, C]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [R, C]
@group(0) @binding(3) var<storage, read> positions: array<f32>; // [>= T, C]

@compute @workgroup_size(64)
fn lookup(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  out[index] = table[tokens[index / width] * width + index % width];
}

@compute @workgroup_size(64)
fn lookup_with_positions(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  let row = index / width;
  let column = index % width;
  out[index] = table[tokens[row] * width + column] + positions[row % time * width + column];
}`].join('\n\n');

export const embedding = { name: 'embedding', entryPoints, code } as const;
