// Token lookup with or without learned positions, one invocation an element of the output; the first invocations may sort the
// tokens for the backward pass meanwhile: `place` finds a row's place by counting (R * R comparisons of u32: nothing beside a
// matmul). R = B * T rows of width C.

override rows: u32; // R, or 0: the tokens are not sorted
override time: u32; // T
override width: u32; // C
override elements: u32; // R * C
override positioned: bool; // the row of the position is added; without, `positions` is any buffer

@group(0) @binding(0) var<storage, read> tokens: array<u32>; // [R]
@group(0) @binding(1) var<storage, read> table: array<f32>; // [V, C]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [R, C]
@group(0) @binding(3) var<storage, read> positions: array<f32>; // [>= T, C]
@group(0) @binding(4) var<storage, read_write> order: array<u32>; // [R], row numbers sorted by token, stable
@group(0) @binding(5) var<storage, read_write> ranked: array<u32>; // [R], their tokens

@compute @workgroup_size(64)
fn lookup(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  const lanes = 64u; // whole workgroups do one or the other
  let sorters = (rows + lanes - 1) / lanes * lanes;
  if (index < sorters) { place(index); } else { look_up(index - sorters); }
}

@compute @workgroup_size(64)
fn rank(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  place(id.y * groups.x * 64 + id.x);
}

fn look_up(index: u32) {
  if (index >= elements) { return; }
  let row = index / width;
  let column = index % width;
  var value = table[tokens[row] * width + column];
  if (positioned) { value += positions[row % time * width + column]; }
  out[index] = value;
}

fn place(row: u32) {
  if (row >= rows) { return; }
  let token = tokens[row];
  var at = 0u;
  for (var other = 0u; other < rows; other++) {
    let value = tokens[other];
    at += u32(value < token || (value == token && other < row));
  }
  order[at] = row;
  ranked[at] = token;
}
