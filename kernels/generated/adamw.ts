// Made from kernels/adamw/adamw.wgsl by `npm run generate`. Do not edit.
import { adamwStepPrelude } from './prelude/adamw-step.ts';
import { clipPrelude } from './prelude/clip.ts';

const entryPoints = {
  update: {
    bindings: [
      {"number":0,"name":"gradients","access":"read","type":"array<vec4f>"},
      {"number":1,"name":"squares","access":"read","type":"array<f32>"},
      {"number":2,"name":"decays","access":"read","type":"array<f32>"},
      {"number":3,"name":"hyper","access":"read","type":"Hyper"},
      {"number":4,"name":"parameters","access":"write","type":"array<vec4f>"},
      {"number":5,"name":"means","access":"write","type":"array<vec4f>"},
      {"number":6,"name":"variances","access":"write","type":"array<vec4f>"},
    ],
    required: ["first_block","vectors"],
    optional: [],
  },
} as const;

const code = [`// AdamW over a part of the flat parameter vector, in place, with clipping by the global norm: four elements an invocation.
// with: adamw-step

override vectors: u32; // four elements each
override first_block: u32; // 64 elements each, before this part

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i < vectors) { adamw_step(i, i, decays[first_block + i / 16]); }
}`, adamwStepPrelude, clipPrelude].join('\n\n');

export const adamw = { name: 'adamw', entryPoints, code } as const;
