// Made from kernels/softmax/cross-entropy-gradient.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  backward: {
    bindings: [
      {"number":0,"name":"logits","access":"read","type":"array<f32>"},
      {"number":1,"name":"targets","access":"read","type":"array<u32>"},
      {"number":2,"name":"weight","access":"read","type":"array<f32>"},
      {"number":3,"name":"logsumexp","access":"read","type":"array<f32>"},
      {"number":4,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":5,"name":"logits_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["elements","first_row","vocabulary"],
    optional: [],
  },
} as const;

const code = [`// Gradient of the mean cross-entropy by the logits [N, V]: (softmax - one-hot) * weight * dloss, zero in rows left out.
// One invocation an element.

override elements: u32; // of this dispatch, whole rows
override first_row: u32; // of this dispatch in targets and logsumexp
override vocabulary: u32; // V

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, V]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [N]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [1]
@group(0) @binding(3) var<storage, read> logsumexp: array<f32>; // [N]
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [1], of the loss
@group(0) @binding(5) var<storage, read_write> logits_gradient: array<f32>; // [rows, V]

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  let row = first_row + index / vocabulary;
  let target_id = targets[row];
  var slope = 0.0;
  if (target_id < vocabulary) {
    slope = exp(logits[index] - logsumexp[row]) - f32(target_id == index % vocabulary);
  }
  logits_gradient[index] = slope * weight[0] * gradient[0];
}`].join('\n\n');

export const crossEntropyGradient = { name: 'cross-entropy-gradient', entryPoints, code } as const;
