// Made from kernels/rotary/rotary.wgsl by `npm run generate`. Do not edit.
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  rotate: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<X>","stored":"X"},
      {"number":1,"name":"angles","access":"read","type":"array<vec2f>"},
      {"number":2,"name":"out","access":"write","type":"array<Out>","stored":"Out"},
    ],
    required: ["head_size","heads","pairs","sign","time","width"],
    optional: ["out_scale","x_scale"],
  },
} as const;

const code = [`// Rotary positions: turns element i of a head together with element i + D/2 by the angle of the row's position.
// x [R, W]: the first \`heads\` heads of a row (all of q and k in a fused qkv) are turned, the rest is copied. One invocation
// a pair. The angles are a table because WGSL's sin and cos may be wrong by 2^-11.
// with: stored

override time: u32; // T: row r stands at position r % T
override width: u32; // W
override head_size: u32; // D, even
override heads: u32;
override pairs: u32; // R * W / 2
override sign: f32; // 1, or -1 for the adjoint
override x_scale: f32 = 1;
override out_scale: f32 = 1;

alias X = f32;
alias Out = f32;
const out_is_half = Out(2049) == Out(2048);

@group(0) @binding(0) var<storage, read> x: array<X>; // [R, W]
@group(0) @binding(1) var<storage, read> angles: array<vec2f>; // [T, D/2] of (cosine, sine)
@group(0) @binding(2) var<storage, read_write> out: array<Out>; // [R, W]

@compute @workgroup_size(64)
fn rotate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= pairs) { return; }
  let row_pairs = width / 2;
  let half_size = head_size / 2;
  let row = index / row_pairs;
  let pair = index % row_pairs;
  let head = pair / half_size;
  let i = pair % half_size;
  let first = row * width + head * head_size + i;
  let second = first + half_size;
  var angle = vec2f(1, 0);
  if (head < heads) { angle = angles[row % time * half_size + i] * vec2f(1, sign); }
  let both = vec2f(vec2(x[first], x[second])) / x_scale;
  put(first, both.x * angle.x - both.y * angle.y);
  put(second, both.y * angle.x + both.x * angle.y);
}

fn put(at: u32, value: f32) {
  out[at] = Out(storable(value * out_scale, out_is_half));
}`, storedPrelude].join('\n\n');

export const rotary = { name: 'rotary', entryPoints, code } as const;
