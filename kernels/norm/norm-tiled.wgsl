// LayerNorm and RMSNorm forward and backward for GPUs: one workgroup a row, columns shared out over its invocations.
// Same bindings and meaning as norm.wgsl.

const lanes = 128u;

override rows: u32; // R
override width: u32; // C
override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override biased: bool; // a bias is added; without one, `bias` is any buffer
override epsilon: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(1) var<storage, read> gain: array<f32>; // [C]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // [R, C]
@group(0) @binding(4) var<storage, read_write> mean: array<f32>; // [R]
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>; // [R]

var<workgroup> partials: array<vec2f, lanes>;

/// The sum of `value` over the workgroup, the same on every invocation; a tree of fixed shape.
fn workgroup_sum(value: vec2f, lane: u32) -> vec2f {
  partials[lane] = value;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) { partials[lane] += partials[lane + span]; }
  }
  return workgroupUniformLoad(&partials[0]);
}

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= rows) { return; }
  let at = row * width;
  var total = 0.0;
  if (centred) {
    for (var c = lane; c < width; c += lanes) { total += x[at + c]; }
    total = workgroup_sum(vec2f(total, 0), lane).x;
  }
  let middle = total / f32(width);
  var squares = 0.0;
  for (var c = lane; c < width; c += lanes) {
    let centre = x[at + c] - middle;
    squares += centre * centre;
  }
  let scale = inverseSqrt(workgroup_sum(vec2f(squares, 0), lane).x / f32(width) + epsilon);
  for (var c = lane; c < width; c += lanes) {
    var value = (x[at + c] - middle) * scale * gain[c];
    if (biased) { value += bias[c]; }
    out[at + c] = value;
  }
  if (lane == 0) {
    mean[row] = middle;
    rstd[row] = scale;
  }
}

@group(0) @binding(2) var<storage, read> saved_mean: array<f32>; // [R]
@group(0) @binding(3) var<storage, read> saved_rstd: array<f32>; // [R]
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [R, C], of out
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>; // [R, C], of x
@group(0) @binding(6) var<storage, read> addend: array<f32>; // [R, C]; any buffer if unused
@group(0) @binding(7) var<storage, read_write> scale_partials: array<vec2f>; // [chunks, C] of (gain, bias); a scratch if unused

override adds: bool; // another contribution to the gradient of x is added
override chunk: u32; // rows a workgroup takes
override sums_scales: bool; // gradients of gain and bias are summed over the chunk: norm-gradient.wgsl sums the chunks
override kept = select(1, width, sums_scales);

var<workgroup> scale_sums: array<vec2f, kept>; // each element has one owner: the lane of its column

@compute @workgroup_size(lanes)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.y * groups.x + group.x;
  if (number * chunk >= rows) { return; }
  if (sums_scales) {
    for (var c = lane; c < width; c += lanes) { scale_sums[c] = vec2f(); }
  }
  for (var row = number * chunk; row < min((number + 1) * chunk, rows); row++) { backward_row(row, lane); }
  if (sums_scales) {
    for (var c = lane; c < width; c += lanes) { scale_partials[number * width + c] = scale_sums[c]; }
  }
}

fn backward_row(row: u32, lane: u32) {
  let at = row * width;
  let middle = saved_mean[row];
  let scale = saved_rstd[row];
  var sums = vec2f(); // of g and of g * x', with g = dy * gain
  for (var c = lane; c < width; c += lanes) {
    let slope = gradient[at + c];
    let normal = (x[at + c] - middle) * scale;
    sums += slope * gain[c] * vec2f(1, normal);
    if (sums_scales) { scale_sums[c] += slope * vec2f(normal, 1); }
  }
  let means = workgroup_sum(sums, lane) / f32(width);
  let shift = select(0.0, means.x, centred);
  for (var c = lane; c < width; c += lanes) {
    let normal = (x[at + c] - middle) * scale;
    var value = scale * (gradient[at + c] * gain[c] - shift - normal * means.y);
    if (adds) { value += addend[at + c]; }
    input_gradient[at + c] = value;
  }
}
