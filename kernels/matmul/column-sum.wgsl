// Sums a matrix over its rows.

override rows: u32;
override columns: u32;
override matrix_scale: f32 = 1;

alias Matrix = f32;

@group(0) @binding(0) var<storage, read> matrix: array<Matrix>; // [rows, columns]
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // [columns]

/// For software adapters: one invocation a column, no barriers.
@compute @workgroup_size(64)
fn column_by_column(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= columns) { return; }
  var total = 0.0;
  for (var row = 0u; row < rows; row++) { total += f32(matrix[row * columns + id.x]); }
  out[id.x] = total / matrix_scale;
}

const width = 16u; // columns a workgroup
const strips_per_column = 16u;

var<workgroup> partial: array<array<f32, width>, strips_per_column>;

/// For GPUs: 16 invocations share a column, each taking every 16th row; then a tree of fixed shape.
@compute @workgroup_size(width, strips_per_column)
fn strips(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  var total = 0.0;
  if (id.x < columns) {
    for (var row = local.y; row < rows; row += strips_per_column) { total += f32(matrix[row * columns + id.x]); }
  }
  partial[local.y][local.x] = total;
  for (var half = strips_per_column / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (local.y < half) { partial[local.y][local.x] += partial[local.y + half][local.x]; }
  }
  if (local.y == 0 && id.x < columns) { out[id.x] = partial[0][local.x] / matrix_scale; }
}
