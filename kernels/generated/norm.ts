// Made from kernels/norm/norm.wgsl by `npm run generate`. Do not edit.
export const norm = {
  name: 'norm',
  entryPoints: {
    forward: {
      bindings: [
        {"number":0,"name":"x","access":"read","type":"array<f32>"},
        {"number":1,"name":"gain","access":"read","type":"array<f32>"},
        {"number":2,"name":"bias","access":"read","type":"array<f32>"},
        {"number":3,"name":"out","access":"write","type":"array<f32>"},
        {"number":4,"name":"mean","access":"write","type":"array<f32>"},
        {"number":5,"name":"rstd","access":"write","type":"array<f32>"},
      ],
      required: ["biased","centred","epsilon","rows","width"],
      optional: [],
    },
    backward: {
      bindings: [
        {"number":0,"name":"x","access":"read","type":"array<f32>"},
        {"number":1,"name":"gain","access":"read","type":"array<f32>"},
        {"number":2,"name":"saved_mean","access":"read","type":"array<f32>"},
        {"number":3,"name":"saved_rstd","access":"read","type":"array<f32>"},
        {"number":4,"name":"gradient","access":"read","type":"array<f32>"},
        {"number":5,"name":"input_gradient","access":"write","type":"array<f32>"},
        {"number":6,"name":"addend","access":"read","type":"array<f32>"},
      ],
      required: ["adds","centred","rows","width"],
      optional: [],
    },
  },
  code: `// LayerNorm and RMSNorm forward and backward, for software adapters and small rows: one invocation a row, no workgroup
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
@group(0) @binding(4) var<storage, read_write> mean: array<f32>; // [R]
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>; // [R]

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64 + id.x;
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
  mean[row] = middle;
  rstd[row] = scale;
}

@group(0) @binding(2) var<storage, read> saved_mean: array<f32>; // [R]
@group(0) @binding(3) var<storage, read> saved_rstd: array<f32>; // [R]
@group(0) @binding(4) var<storage, read> gradient: array<f32>; // [R, C], of out
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>; // [R, C], of x
@group(0) @binding(6) var<storage, read> addend: array<f32>; // [R, C]; any buffer if unused

override adds: bool; // another contribution to the gradient of x is added

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64 + id.x;
  if (row >= rows) { return; }
  let at = row * width;
  let middle = saved_mean[row];
  let scale = saved_rstd[row];
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
}
`,
} as const;
