// Made from kernels/muon/muon-rest.wgsl by `npm run generate`. Do not edit.
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
      {"number":7,"name":"blocks","access":"read","type":"array<u32>"},
    ],
    required: ["blocks_here","bound_block","first"],
    optional: [],
  },
} as const;

const code = [`// AdamW over listed blocks of 64 elements of the flat parameter vector, in place: what Muon does not orthogonalise. The
// moments lie packed, block after block.
// with: adamw-step

override first: u32; // of the listed blocks
override blocks_here: u32; // listed blocks of this dispatch
override bound_block: u32; // block of the flat vector at which \`gradients\` and \`parameters\` begin; the moments begin at \`first\`

@group(0) @binding(7) var<storage, read> blocks: array<u32>; // numbers of blocks of the flat vector

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= blocks_here * 16) { return; }
  let block = first + i / 16;
  adamw_step((blocks[block] - bound_block) * 16 + i % 16, i, decays[block]);
}`, adamwStepPrelude, clipPrelude].join('\n\n');

export const muonRest = { name: 'muon-rest', entryPoints, code } as const;
