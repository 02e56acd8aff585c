// Made from kernels/norm/norm.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"gain","access":"read","type":"array<f32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"out","access":"write","type":"array<f32>"},
      {"number":4,"name":"statistics","access":"write","type":"array<vec2f>"},
    ],
    required: ["biased","centred","epsilon","rows","width"],
    optional: [],
  },
  backward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"gain","access":"read","type":"array<f32>"},
      {"number":2,"name":"saved","access":"read","type":"array<vec2f>"},
      {"number":3,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":4,"name":"addend","access":"read","type":"array<f32>"},
      {"number":5,"name":"input_gradient","access":"write","type":"array<f32>"},
      {"number":6,"name":"gain_gradient","access":"write","type":"array<f32>"},
      {"number":7,"name":"bias_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["adds","biased","centred","columns","gradient_rows","rows","width"],
    optional: [],
  },
} as const;

const code = [`// LayerNorm and RMSNorm forward and backward, for software adapters and small rows: one invocation a row, no workgroup
// memory. Rows x [R, C]; x' = (x - mean) * rstd. norm-tiled.wgsl has the same entry points with one workgroup a row.

override rows: u32; // R
override width: u32; // C
override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override biased: bool; // a bias is added; without one, \`bias\` is any buffer
override epsilon: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(1) var<storage, read> gain: array<f32>; // [C]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // [R, C]
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>; // [R] of (mean, rstd)

@compute @workgroup_size(16)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 16 + id.x;
  if (row >= rows) { return; }
  let at = row * width;
  var total = 0.0;
  if (centred) {
    for (var c = 0u; c < width; c++) { total += x[at + c]; }
  }
  let middle = total / f32(width);
  var squares = 0.0;
  for (var c = 0u; c < width; c++) {
    let centre = x[at + c] - middle;
    squares += centre * centre;
  }
  let scale = inverseSqrt(squares / f32(width) + epsilon);
  for (var c = 0u; c < width; c++) {
    var value = (x[at + c] - middle) * scale * gain[c];
    if (biased) { value += bias[c]; }
    out[at + c] = value;
  }
  statistics[row] = vec2f(middle, scale);
}

@group(0) @binding(2) var<storage, read> saved: array<vec2f>; // statistics
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [R, C], of out
@group(0) @binding(4) var<storage, read> addend: array<f32>; // [R, C]; any buffer if unused
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>; // [R, C], of x
@group(0) @binding(6) var<storage, read_write> gain_gradient: array<f32>; // [C]
@group(0) @binding(7) var<storage, read_write> bias_gradient: array<f32>; // [C]; a scratch if unused

override adds: bool; // another contribution to the gradient of x is added
override columns: u32; // C, or 0: the gradients of gain and bias are not wanted
override gradient_rows: u32; // R, or 0: the gradient of x is not wanted

/// The first invocations sum a column each, the others take a row each.
@compute @workgroup_size(16)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 16 + id.x;
  if (index < columns) { backward_column(index); } else { backward_row(index - columns); }
}

fn backward_column(column: u32) {
  var sums = vec2f();
  for (var row = 0u; row < rows; row++) {
    let at = row * width + column;
    sums += gradient[at] * vec2f((x[at] - saved[row].x) * saved[row].y, 1);
  }
  gain_gradient[column] = sums.x;
  if (biased) { bias_gradient[column] = sums.y; }
}

fn backward_row(row: u32) {
  if (row >= gradient_rows) { return; }
  let at = row * width;
  let middle = saved[row].x;
  let scale = saved[row].y;
  var total = 0.0;
  var projected = 0.0;
  for (var c = 0u; c < width; c++) {
    let scaled = gradient[at + c] * gain[c];
    total += scaled;
    projected += scaled * (x[at + c] - middle) * scale;
  }
  let shift = select(0.0, total / f32(width), centred);
  let slope = projected / f32(width);
  for (var c = 0u; c < width; c++) {
    let normal = (x[at + c] - middle) * scale;
    var value = scale * (gradient[at + c] * gain[c] - shift - normal * slope);
    if (adds) { value += addend[at + c]; }
    input_gradient[at + c] = value;
  }
}`].join('\n\n');

export const norm = { name: 'norm', entryPoints, code } as const;
