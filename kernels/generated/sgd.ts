// Made from kernels/sgd/sgd.wgsl by `npm run generate`. Do not edit.
import { clipPrelude } from './prelude/clip.ts';

const entryPoints = {
  update: {
    bindings: [
      {"number":0,"name":"gradients","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"squares","access":"read","type":"array<f32>"},
      {"number":2,"name":"decays","access":"read","type":"array<f32>"},
      {"number":3,"name":"hyper","access":"read","type":"Hyper"},
      {"number":4,"name":"parameters","access":"write","type":"array<vec4f>"},
    ],
    required: ["first_block","vectors"],
    optional: [],
  },
  update_with_momentum: {
    bindings: [
      {"number":0,"name":"gradients","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"squares","access":"read","type":"array<f32>"},
      {"number":2,"name":"decays","access":"read","type":"array<f32>"},
      {"number":3,"name":"hyper","access":"read","type":"Hyper"},
      {"number":4,"name":"parameters","access":"write","type":"array<vec4f>"},
      {"number":5,"name":"velocities","access":"write","type":"array<vec4f>"},
    ],
    required: ["first_block","vectors"],
    optional: [],
  },
} as const;

const code = [`// SGD with momentum over a part of the flat parameter vector, in place, with clipping by the global norm: four elements an
// invocation.
// with: clip

override vectors: u32; // four elements each
override first_block: u32; // 64 elements each, before this part

/// \`sgdHyper\` in sgd.ts writes it.
struct Hyper {
  learning_rate: f32,
  momentum: f32,
  weight_decay: f32,
  max_norm: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(1) var<storage, read> squares: array<f32>; // [1], of the whole gradient
@group(0) @binding(2) var<storage, read> decays: array<f32>; // 1 or 0 for each block of the whole vector
@group(0) @binding(3) var<storage, read> hyper: Hyper;
@group(0) @binding(4) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> velocities: array<vec4f>;

fn slope(i: u32) -> vec4f {
  let decay = hyper.weight_decay * decays[first_block + i / 16];
  return gradients[i] * clip_factor(squares[0], hyper.max_norm) + decay * parameters[i];
}

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i < vectors) { parameters[i] -= hyper.learning_rate * slope(i); }
}

@compute @workgroup_size(64)
fn update_with_momentum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= vectors) { return; }
  let velocity = hyper.momentum * velocities[i] + slope(i);
  parameters[i] -= hyper.learning_rate * velocity;
  velocities[i] = velocity;
}`, clipPrelude].join('\n\n');

export const sgd = { name: 'sgd', entryPoints, code } as const;
