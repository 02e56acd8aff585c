// Cross-entropy of an LM head, a chunk of the vocabulary at a time, for software adapters: one invocation a row.

// <prelude head-row>
// Logits of some columns of the vocabulary, [rows, width]; what is known of each row so far is kept beside.

override rows: u32;
override width: u32; // of this chunk
override first_column: u32;
override vocabulary: u32; // a target of V or more leaves its row out
override is_first: bool; // chunk
override is_last: bool;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, width]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [rows]
@group(0) @binding(2) var<storage, read_write> known: array<vec4f>; // highest, sum of exp(logit - highest), logit of the target
@group(0) @binding(3) var<storage, read_write> logsumexp: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read_write> row_losses: array<f32>; // [rows], zero in rows left out

/// Adds a chunk's highest logit and its sum of exp(logit - highest) to what is known of a row.
fn note(row: u32, highest: f32, sum: f32) {
  var all = vec4f(highest, sum, 0, 0);
  if (!is_first) {
    let before = known[row];
    let higher = max(before.x, highest);
    all = vec4f(higher, before.y * exp(before.x - higher) + sum * exp(highest - higher), before.z, 0);
  }
  let target_id = targets[row];
  if (target_id >= first_column && target_id - first_column < width) { all.z = logits[row * width + target_id - first_column]; }
  known[row] = all;
  if (!is_last) { return; }
  let lse = all.x + log(all.y);
  logsumexp[row] = lse;
  row_losses[row] = 0;
  if (target_id < vocabulary) { row_losses[row] = lse - all.z; }
}
// </prelude>

@compute @workgroup_size(64)
fn fold(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64 + id.x;
  if (row >= rows) { return; }
  var highest = logits[row * width];
  for (var v = 1u; v < width; v++) { highest = max(highest, logits[row * width + v]); }
  var sum = 0.0;
  for (var v = 0u; v < width; v++) { sum += exp(logits[row * width + v] - highest); }
  note(row, highest, sum);
}

override elements: u32; // of the chunk

@group(0) @binding(0) var<storage, read_write> chunk: array<f32>; // logits, and afterwards their gradient
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [1]
@group(0) @binding(3) var<storage, read> known_logsumexp: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [1], of the loss

@compute @workgroup_size(64)
fn differentiate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  let row = index / width;
  let target_id = targets[row];
  var slope = 0.0;
  if (target_id < vocabulary) {
    slope = exp(chunk[index] - known_logsumexp[row]) - f32(target_id == first_column + index % width);
  }
  chunk[index] = slope * weight[0] * gradient[0];
}
