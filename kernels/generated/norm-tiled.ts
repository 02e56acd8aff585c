// Made from kernels/norm/norm-tiled.wgsl by `npm run generate`. Do not edit.
import { storedPrelude } from './prelude/stored.ts';

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"gain","access":"read","type":"array<f32>"},
      {"number":2,"name":"bias","access":"read","type":"array<f32>"},
      {"number":3,"name":"out","access":"write","type":"array<Out>","stored":"Out"},
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
      {"number":3,"name":"gradient","access":"read","type":"array<Gradient>","stored":"Gradient"},
      {"number":4,"name":"addend","access":"read","type":"array<f32>"},
      {"number":5,"name":"input_gradient","access":"write","type":"array<f32>"},
      {"number":6,"name":"gain_gradient","access":"write","type":"array<f32>"},
      {"number":7,"name":"bias_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["adds","biased","centred","columns","gradient_rows","rows","width"],
    optional: ["gradient_scale"],
  },
} as const;

const code = [`// LayerNorm and RMSNorm forward and backward for GPUs: one workgroup a row, columns shared out over its invocations.
// Same bindings and meaning as norm.wgsl.
// with: stored

const lanes = 128u;

override rows: u32; // R
override width: u32; // C
override centred: bool; // LayerNorm; RMSNorm leaves the mean at zero
override biased: bool; // a bias is added; without one, \`bias\` is any buffer
override epsilon: f32;

override gradient_scale: f32 = 1;

alias Out = f32;
const out_is_half = Out(2049) == Out(2048);
alias Gradient = f32;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(1) var<storage, read> gain: array<f32>; // [C]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(3) var<storage, read_write> out: array<Out>; // [R, C]
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>; // [R] of (mean, rstd)

var<workgroup> partials: array<vec2f, lanes>;

/// The sum of \`value\` over the workgroup, the same on every invocation; a tree of fixed shape.
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
    out[at + c] = Out(storable(value, out_is_half));
  }
  if (lane == 0) { statistics[row] = vec2f(middle, scale); }
}

@group(0) @binding(2) var<storage, read> saved: array<vec2f>; // statistics
@group(0) @binding(3) var<storage, read> gradient: array<Gradient>; // [R, C], of out
@group(0) @binding(4) var<storage, read> addend: array<f32>; // [R, C]; any buffer if unused
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>; // [R, C], of x
@group(0) @binding(6) var<storage, read_write> gain_gradient: array<f32>; // [C]
@group(0) @binding(7) var<storage, read_write> bias_gradient: array<f32>; // [C]; a scratch if unused

override adds: bool; // another contribution to the gradient of x is added
override columns: u32; // C, or 0: the gradients of gain and bias are not wanted
override gradient_rows: u32; // R, or 0: the gradient of x is not wanted

const strip = 8u; // columns that a workgroup sums over all rows

/// The first workgroups take a strip of columns each, which takes longest; the others a row each.
@compute @workgroup_size(lanes)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.y * groups.x + group.x;
  let strips = (columns + strip - 1) / strip;
  if (number < strips) { backward_strip(number * strip, lane); }
  else if (number - strips < gradient_rows) { backward_row(number - strips, lane); }
}

fn gradient_at(at: u32) -> f32 {
  return f32(gradient[at]) / gradient_scale;
}

/// Lanes lie [rows in turn, strip]; a tree of fixed shape sums over the rows.
fn backward_strip(first: u32, lane: u32) {
  let column = first + lane % strip;
  var sums = vec2f();
  if (column < width) {
    for (var row = lane / strip; row < rows; row += lanes / strip) {
      let at = row * width + column;
      sums += gradient_at(at) * vec2f((x[at] - saved[row].x) * saved[row].y, 1);
    }
  }
  partials[lane] = sums;
  for (var span = lanes / 2; span >= strip; span /= 2) {
    workgroupBarrier();
    if (lane < span) { partials[lane] += partials[lane + span]; }
  }
  if (lane >= strip || column >= width) { return; }
  gain_gradient[column] = partials[lane].x;
  if (biased) { bias_gradient[column] = partials[lane].y; }
}

fn backward_row(row: u32, lane: u32) {
  let at = row * width;
  let middle = saved[row].x;
  let scale = saved[row].y;
  var sums = vec2f(); // of g and of g * x', with g = dy * gain
  for (var c = lane; c < width; c += lanes) {
    sums += gradient_at(at + c) * gain[c] * vec2f(1, (x[at + c] - middle) * scale);
  }
  let means = workgroup_sum(sums, lane) / f32(width);
  let shift = select(0.0, means.x, centred);
  for (var c = lane; c < width; c += lanes) {
    let normal = (x[at + c] - middle) * scale;
    var value = scale * (gradient_at(at + c) * gain[c] - shift - normal * means.y);
    if (adds) { value += addend[at + c]; }
    input_gradient[at + c] = value;
  }
}`, storedPrelude].join('\n\n');

export const normTiled = { name: 'norm-tiled', entryPoints, code } as const;
