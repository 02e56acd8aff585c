// Where products end: bias, slope of a GELU and residual are added on the way out, and a GELU of the result goes beside it.
// with: gelu, stored

override m: u32;
override n: u32;
override k: u32;
override a_row: u32; // elements from A(i, p) to A(i + 1, p)
override a_column: u32; // elements from A(i, p) to A(i, p + 1)
override b_row: u32; // elements from B(p, j) to B(p + 1, j)
override b_column: u32;
override first_column: u32 = 0; // of C, that a dispatch of some columns begins with
override c_row: u32 = n; // elements from a row of C to the next
override biased: bool; // a bias is added to each row; without, `bias` is any buffer
override slopes: bool; // times GELU'(extra): what is written is the gradient by the argument of a GELU
override adds: bool; // plus `extra`: a residual, or another contribution to a gradient
override activates: bool; // `second` is GELU(C)
override sums_columns: bool; // `second` is the sum of B over its rows: the gradient of a bias
override extra_scale: f32 = 1;
override c_scale: f32 = 1;

alias Extra = f32;
alias C = f32;
const c_is_half = C(2049) == C(2048);
alias Second = f32;
const second_is_half = Second(2049) == Second(2048);

@group(0) @binding(2) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> extra: array<Extra>; // [m, n]; any buffer if unused
@group(0) @binding(4) var<storage, read_write> c: array<C>; // [m, n]
@group(0) @binding(5) var<storage, read_write> second: array<Second>; // [m, n] or [n]; a scratch if unused

fn store(i: u32, j: u32, product: f32) {
  if (i >= m || j >= n) { return; }
  let column = first_column + j;
  let at = i * c_row + column;
  var value = product;
  if (biased) { value += bias[column]; }
  if (slopes) { value *= gelu_slope(f32(extra[at])); }
  if (adds) { value += f32(extra[at]) / extra_scale; }
  put_in_c(at, value);
  if (activates) { put_in_second(at, value * gelu_gate(value)); }
}

fn put_in_c(at: u32, value: f32) {
  c[at] = C(storable(value * c_scale, c_is_half));
}

fn put_in_second(at: u32, value: f32) {
  second[at] = Second(storable(value, second_is_half));
}
