// Made from kernels/decode/token-embedding.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  lookup: {
    bindings: [
      {"number":0,"name":"cursor","access":"read","type":"array<vec4u>"},
      {"number":1,"name":"table","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["width"],
    optional: [],
  },
  lookup_with_position: {
    bindings: [
      {"number":0,"name":"cursor","access":"read","type":"array<vec4u>"},
      {"number":1,"name":"table","access":"read","type":"array<f32>"},
      {"number":2,"name":"out","access":"write","type":"array<f32>"},
      {"number":3,"name":"positions","access":"read","type":"array<f32>"},
    ],
    required: ["width"],
    optional: [],
  },
} as const;

const code = [`// A row of the token table for each text, and of the position table where there is one: what a decoding step begins with.

override width: u32; // C

@group(0) @binding(0) var<storage, read> cursor: array<vec4u>; // [B] of token, position, ..
@group(0) @binding(1) var<storage, read> table: array<f32>; // [V, C]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [B, C]
@group(0) @binding(3) var<storage, read> positions: array<f32>; // [P, C]

@compute @workgroup_size(64)
fn lookup(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < width) { out[id.y * width + id.x] = table[cursor[id.y].x * width + id.x]; }
}

@compute @workgroup_size(64)
fn lookup_with_position(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= width) { return; }
  out[id.y * width + id.x] = table[cursor[id.y].x * width + id.x] + positions[cursor[id.y].y * width + id.x];
}`].join('\n\n');

export const tokenEmbedding = { name: 'token-embedding', entryPoints, code } as const;
