// C[m, n] = A B with operands rounded to f16 and sums in f32, for GPUs without subgroup matrices: a workgroup of 16 x 16 makes
// 64 x 64 of C, an invocation 4 x 4 of it.

enable f16;

const tile = 64u;

// <prelude gelu>
// GELU in the tanh form of GPT-2, written with a logistic function, whose exponential cannot overflow to NaN:
// GELU(x) = x s(x), s(x) = (1 + tanh u) / 2 = 1 / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3).

const gelu_linear = 1.5957691216; // 2 sqrt(2 / pi)
const gelu_cubic = 0.0713548163; // 0.044715 of it

fn gelu_gate(x: f32) -> f32 {
  return 1 / (1 + exp(clamp(-x * (gelu_linear + gelu_cubic * x * x), -80, 80)));
}

fn gelu_slope(x: f32) -> f32 {
  let s = gelu_gate(x);
  return s + x * s * (1 - s) * (gelu_linear + 3 * gelu_cubic * x * x);
}
// </prelude>

// <prelude matmul-store>
// Where products end: bias, slope of a GELU and residual are added on the way out, and a GELU of the result goes beside it.

override m: u32;
override n: u32;
override k: u32;
override a_row: u32; // elements from A(i, p) to A(i + 1, p)
override a_column: u32; // elements from A(i, p) to A(i, p + 1)
override b_row: u32; // elements from B(p, j) to B(p + 1, j)
override b_column: u32;
override biased: bool; // a bias is added to each row; without, `bias` is any buffer
override slopes: bool; // times GELU'(extra): what is written is the gradient by the argument of a GELU
override adds: bool; // plus `extra`: a residual, or another contribution to a gradient
override activates: bool; // `second` is GELU(C)
override sums_columns: bool; // `second` is the sum of B over its rows: the gradient of a bias

@group(0) @binding(2) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> extra: array<f32>; // [m, n]; any buffer if unused
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second: array<f32>; // [m, n] or [n]; a scratch if unused

fn store(i: u32, j: u32, product: f32) {
  if (i >= m || j >= n) { return; }
  let at = i * n + j;
  var value = product;
  if (biased) { value += bias[j]; }
  if (slopes) { value *= gelu_slope(extra[at]); }
  if (adds) { value += extra[at]; }
  c[at] = value;
  if (activates) { second[at] = value * gelu_gate(value); }
}
// </prelude>

// <prelude matmul-half>
// Operands of a product in f16: `depth` rows of A and B at a time, rounded on their way into workgroup memory, both stored
// [depth, pitch]. Gradients are far below what f16 resolves, so that an operand may be multiplied by a power of two first; the
// product is divided by it. What is still too large becomes the largest f16.

override a_scale: f32;
override b_scale: f32;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;

const depth = 32u;
const pitch = tile + 8; // rows begin at multiples of 16 bytes, in different banks

var<workgroup> left: array<f16, depth * pitch>; // of A
var<workgroup> right: array<f16, depth * pitch>; // of B

fn to_half(value: f32) -> f16 {
  return f16(clamp(value, -65504, 65504));
}

/// Copies what 256 invocations share out among them; neighbours in memory go to neighbouring invocations.
fn stage(origin: vec2u, first: u32, index: u32) {
  for (var at = index; at < tile * depth; at += 256) {
    let row = select(at / depth, at % tile, a_row == 1);
    let p = select(at % depth, at / tile, a_row == 1);
    var value = 0.0;
    if (origin.y + row < m && first + p < k) { value = a[(origin.y + row) * a_row + (first + p) * a_column]; }
    left[p * pitch + row] = to_half(value * a_scale);
  }
  for (var at = index; at < tile * depth; at += 256) {
    let column = select(at / depth, at % tile, b_column == 1);
    let p = select(at % depth, at / tile, b_column == 1);
    var value = 0.0;
    if (origin.x + column < n && first + p < k) { value = b[(first + p) * b_row + (origin.x + column) * b_column]; }
    right[p * pitch + column] = to_half(value * b_scale);
  }
}
// </prelude>

@compute @workgroup_size(16, 16)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let origin = group.xy * tile;
  var sums: array<vec4f, 4>;
  for (var first = 0u; first < k; first += depth) {
    stage(origin, first, index);
    workgroupBarrier();
    for (var p = 0u; p < depth; p++) {
      let at = p * pitch + local.x * 4;
      let columns = vec4f(f32(right[at]), f32(right[at + 1]), f32(right[at + 2]), f32(right[at + 3]));
      for (var row = 0u; row < 4; row++) { sums[row] += f32(left[p * pitch + local.y * 4 + row]) * columns; }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < 4; row++) {
    for (var lane = 0u; lane < 4; lane++) {
      store(origin.y + local.y * 4 + row, origin.x + local.x * 4 + lane, sums[row][lane] / (a_scale * b_scale));
    }
  }
}
