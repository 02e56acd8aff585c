// Operands of a product in f16: `depth` rows of A and B at a time, rounded on their way into workgroup memory unless they are f16
// already, both stored [depth, pitch]. Gradients are far below what f16 resolves, so that an operand may be multiplied by a power of
// two first; the product is divided by it. What is still too large becomes the largest f16.
// with: matmul-gates

override a_factor: f32; // of the operand
override b_factor: f32;
override a_scale: f32 = 1;
override b_scale: f32 = 1;

alias A = f32;
alias B = f32;

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;

const depth = 32u;
const pitch = tile + 8; // rows begin at multiples of 16 bytes, in different banks

var<workgroup> left: array<f16, depth * pitch>; // of A
var<workgroup> right: array<f16, depth * pitch>; // of B
var<workgroup> column_parts: array<f32, 256>;
var<private> column_sum: f32; // of what this invocation loads of B, all of one column

/// Copies what 256 invocations share out among them; neighbours in memory go to neighbouring invocations.
fn stage(origin: vec2u, first: u32, index: u32) {
  for (var at = index; at < tile * depth; at += 256) {
    let row = select(at / depth, at % tile, a_row == 1);
    let p = select(at % depth, at / tile, a_row == 1);
    var value = 0.0;
    if (origin.y + row < m && first + p < k) { value = f32(a[(origin.y + row) * a_row + (first + p) * a_column]); }
    left[p * pitch + row] = f16(storable(value * (a_factor / a_scale), true));
  }
  for (var at = index; at < tile * depth; at += 256) {
    let column = select(at / depth, at % tile, b_column == 1);
    let p = select(at % depth, at / tile, b_column == 1);
    var value = 0.0;
    if (origin.x + column < n && first + p < k) {
      let line = select(origin.x + column, line_of_gates(origin.x + column), gates);
      value = f32(b[(first + p) * b_row + line * b_column]);
    }
    if (sums_columns) { column_sum += value / b_scale; }
    right[p * pitch + column] = f16(storable(value * (b_factor / b_scale), true));
  }
}

/// The gradient of a bias: rows of B, which lies as tn has it, summed by the first row of tiles.
fn store_column_sums(origin: vec2u, index: u32) {
  if (!sums_columns || origin.y > 0) { return; }
  column_parts[index] = column_sum;
  workgroupBarrier();
  if (index >= tile || origin.x + index >= n) { return; }
  var total = 0.0;
  for (var part = index; part < 256; part += tile) { total += column_parts[part]; }
  put_in_second(origin.x + index, total);
}
