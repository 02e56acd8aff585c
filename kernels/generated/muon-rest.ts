// Made from kernels/muon/muon-rest.wgsl by `npm run generate`. Do not edit.
export const muonRest = {
  name: 'muon-rest',
  entryPoints: {
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
  },
  code: `// AdamW over listed blocks of 64 elements of the flat parameter vector, in place: what Muon does not orthogonalise. The
// moments lie packed, block after block.

override first: u32; // of the listed blocks
override blocks_here: u32; // listed blocks of this dispatch
override bound_block: u32; // block of the flat vector at which \`gradients\` and \`parameters\` begin; the moments begin at \`first\`

@group(0) @binding(7) var<storage, read> blocks: array<u32>; // numbers of blocks of the flat vector

// <prelude clip>
/// What a gradient is multiplied by, as torch.nn.utils.clip_grad_norm_ does it; a max_norm of 0 clips nothing.
fn clip_factor(squares: f32, max_norm: f32) -> f32 {
  if (max_norm == 0) { return 1; }
  return min(1, max_norm / (sqrt(squares) + 1e-6));
}
// </prelude>

// <prelude adamw-step>
/// \`adamwHyper\` in adamw.ts writes it.
struct Hyper {
  learning_rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weight_decay: f32,
  correction1: f32, // 1 - beta1 ^ step
  correction2: f32,
  max_norm: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(1) var<storage, read> squares: array<f32>; // [1], of the whole gradient
@group(0) @binding(2) var<storage, read> decays: array<f32>; // 1 or 0 for each block of 64 elements
@group(0) @binding(3) var<storage, read> hyper: Hyper;
@group(0) @binding(4) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> means: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> variances: array<vec4f>;

/// Changes four parameters, at vector \`i\` of the bound part, and their moments at vector \`kept\`.
fn adamw_step(i: u32, kept: u32, decay: f32) {
  let gradient = gradients[i] * clip_factor(squares[0], hyper.max_norm);
  let mean = hyper.beta1 * means[kept] + (1 - hyper.beta1) * gradient;
  let variance = hyper.beta2 * variances[kept] + (1 - hyper.beta2) * gradient * gradient;
  let deviation = sqrt(variance / hyper.correction2) + hyper.epsilon;
  let shrink = 1 - hyper.learning_rate * hyper.weight_decay * decay;
  parameters[i] = parameters[i] * shrink - hyper.learning_rate / hyper.correction1 * mean / deviation;
  means[kept] = mean;
  variances[kept] = variance;
}
// </prelude>

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= blocks_here * 16) { return; }
  let block = first + i / 16;
  adamw_step((blocks[block] - bound_block) * 16 + i % 16, i, decays[block]);
}
`,
} as const;
