// Gradient of the mean cross-entropy by the logits [N, V]: (softmax - one-hot) * weight * dloss, zero in rows left out.
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
}
