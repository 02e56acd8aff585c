// Logits of some columns of the vocabulary, [rows, width]; what is known of each row so far is kept beside.
// with: logsumexp

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
  let lse = logsumexp_of(all.x, all.y);
  logsumexp[row] = lse;
  row_losses[row] = 0;
  if (target_id < vocabulary) { row_losses[row] = lse - all.z; }
}
