// C[m, n] = A B in f16 with sums in f32, on adapters with subgroup matrices (Dawn's experimental feature), in tiles of 64 x 64.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

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

// <prelude matmul-matrices>
// Eight subgroups of 32 share a tile: four bands of rows, two of columns; each makes its part in 16 x 16 subgroup matrices of
// f32 from f16. The matrices leave through workgroup memory, one of each subgroup at a time, because an epilogue follows.

const rows = tile / 64; // subgroup matrices of a subgroup, downwards
const columns = tile / 32; // and across

var<workgroup> made: array<f32, 8 * 256>;

@compute @workgroup_size(256)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let origin = group.xy * tile;
  let band = vec2u(subgroup / 4 * columns, subgroup % 4 * rows) * 16; // of columns, of rows
  var sums: array<subgroup_matrix_result<f32, 16, 16>, rows * columns>;
  for (var first = 0u; first < k; first += depth) {
    stage(origin, first, index);
    workgroupBarrier();
    for (var p = 0u; p < depth; p += 16) {
      for (var row = 0u; row < rows; row++) {
        let of_a = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(&left, p * pitch + band.y + row * 16, pitch);
        for (var column = 0u; column < columns; column++) {
          let of_b = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&right, p * pitch + band.x + column * 16, pitch);
          sums[row * columns + column] = subgroupMatrixMultiplyAccumulate(of_a, of_b, sums[row * columns + column]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < rows; row++) {
    for (var column = 0u; column < columns; column++) {
      subgroupMatrixStore<row_major>(&made, subgroup * 256, sums[row * columns + column], 16);
      workgroupBarrier();
      for (var at = lane; at < 256; at += 32) {
        let place = origin + band + vec2u(column, row) * 16 + vec2u(at % 16, at / 16);
        store(place.y, place.x, made[subgroup * 256 + at] / (a_scale * b_scale));
      }
      workgroupBarrier();
    }
  }
}
// </prelude>
