override elements: u32; // of this dispatch, whole rows

@group(0) @binding(2) var<storage, read> known_logsumexp: array<f32>; // [N], logsumexp
@group(0) @binding(3) var<storage, read> known_weight: array<f32>; // [1], weight
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [1], of the loss
@group(0) @binding(5) var<storage, read_write> logits_gradient: array<f32>; // [rows, V]

/// Gradient by one logit: (softmax - one-hot) * weight * dloss, zero in rows left out.
fn differentiate(index: u32) {
  if (index >= elements) { return; }
  let row = first_row + index / vocabulary;
  let target_id = targets[row];
  var slope = 0.0;
  if (target_id < vocabulary) {
    slope = exp(logits[index] - known_logsumexp[row]) - f32(target_id == index % vocabulary);
  }
  logits_gradient[index] = slope * known_weight[0] * gradient[0];
}
