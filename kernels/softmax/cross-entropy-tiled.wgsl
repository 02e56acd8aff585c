// Softmax with cross-entropy for GPUs: one workgroup a row of logits [N, V], which it reads once. Bindings and meaning are
// those of cross-entropy.wgsl.
// with: cross-entropy-slope, logsumexp

const lanes = 256u;

override rows: u32; // of this dispatch
override all_rows: u32; // N
override first_row: u32; // of this dispatch in targets, logsumexp and row_losses
override vocabulary: u32; // V; a target of V or more leaves its row out

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, V]
@group(0) @binding(1) var<storage, read> targets: array<u32>; // [N]
@group(0) @binding(2) var<storage, read_write> logsumexp: array<f32>; // [N]
@group(0) @binding(3) var<storage, read_write> row_losses: array<f32>; // [N], zero in rows left out

var<workgroup> highests: array<f32, lanes>;
var<workgroup> sums: array<f32, lanes>;

override counts: bool; // the forward pass also counts the rows not left out, of which `total` makes the weight otherwise

@group(0) @binding(4) var<storage, read_write> weight: array<f32>; // [1], 1 / rows not left out, or 0

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row < rows) { forward_row(row, lane); } else if (row == rows && counts) { keep_weight(weigh(lane), lane); }
}

fn forward_row(row: u32, lane: u32) {
  let at = row * vocabulary;
  var highest = -3.0e38;
  var sum = 0.0; // of exp(logit - highest)
  for (var v = lane; v < vocabulary; v += lanes) {
    let logit = logits[at + v];
    let higher = max(highest, logit);
    sum = sum * exp(highest - higher) + exp(logit - higher);
    highest = higher;
  }
  highests[lane] = highest;
  sums[lane] = sum;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) {
      let higher = max(highests[lane], highests[lane + span]);
      sums[lane] = sums[lane] * exp(highests[lane] - higher) + sums[lane + span] * exp(highests[lane + span] - higher);
      highests[lane] = higher;
    }
  }
  if (lane > 0) { return; }
  let lse = logsumexp_of(highests[0], sums[0]);
  let target_id = targets[first_row + row];
  logsumexp[first_row + row] = lse;
  row_losses[first_row + row] = 0;
  if (target_id < vocabulary) { row_losses[first_row + row] = lse - logits[at + target_id]; }
}

/// Half of the span that is left, until one sum is: a tree of fixed shape.
fn fold_sums(count: u32, lane: u32) {
  for (var span = count / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) { sums[lane] += sums[lane + span]; }
  }
}

/// 1 / rows not left out, or 0; for lane 0.
fn weigh(lane: u32) -> f32 {
  var counted = 0.0;
  for (var row = lane; row < all_rows; row += lanes) { counted += f32(targets[row] < vocabulary); }
  sums[lane] = counted;
  fold_sums(lanes, lane);
  return select(0, 1 / sums[0], sums[0] > 0);
}

fn keep_weight(share: f32, lane: u32) {
  if (lane == 0) { weight[0] = share; }
}

@group(0) @binding(6) var<storage, read> losses: array<f32>; // row_losses
@group(0) @binding(7) var<storage, read_write> loss: array<f32>; // [1], the mean over the rows not left out

/// The sum of all losses by the first `count` lanes; for lane 0.
fn sum_losses(count: u32, lane: u32) -> f32 {
  var own = 0.0;
  for (var row = lane; row < all_rows; row += count) { own += losses[row]; }
  sums[lane] = own;
  fold_sums(count, lane);
  return sums[0];
}

@compute @workgroup_size(lanes)
fn total(@builtin(local_invocation_index) lane: u32) {
  let share = weigh(lane);
  workgroupBarrier();
  let sum = sum_losses(lanes, lane);
  keep_weight(share, lane);
  if (lane == 0) { loss[0] = sum * share; }
}

override averages: bool; // a last workgroup writes the loss too

/// One invocation an element.
@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.y * groups.x + group.x;
  differentiate(number * 64 + lane);
  if (averages && number == (elements + 63) / 64) {
    let sum = sum_losses(64, lane);
    if (lane == 0) { loss[0] = sum * known_weight[0]; }
  }
}
