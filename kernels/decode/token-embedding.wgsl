// A row of the token table for each text, and of the position table where there is one: what a decoding step begins with.

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
}
