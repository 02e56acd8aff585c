// For GPUs: a workgroup of 16 x 16 makes 64 x 64 of a matrix, an invocation 4 x 4 of it. 16 rows of both operands at a time
// go through workgroup memory.
// with: muon-product

const tile = 64u;
const depth = 16u;
const pitch = tile / 4 + 1; // vectors a row; one more keeps columns out of one memory bank

var<workgroup> left_rows: array<vec4f, depth * pitch>; // [depth, tile]
var<workgroup> right_rows: array<vec4f, depth * pitch>;

fn load_left(batch: u32, first_row: u32, p: u32) -> vec4f {
  var values: vec4f;
  for (var lane = 0u; lane < 4; lane++) {
    if (first_row + lane < m && p < k) { values[lane] = left[(batch * m + first_row + lane) * k + p]; }
  }
  return values;
}

fn load_right(batch: u32, p: u32, first_column: u32) -> vec4f {
  var values: vec4f;
  for (var lane = 0u; lane < 4; lane++) {
    if (first_column + lane < n && p < k) { values[lane] = right[right_place(batch, p, first_column + lane)]; }
  }
  return values;
}

@compute @workgroup_size(16, 16)
fn product(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let batch = group.z;
  let factors = vec2f(left_factor(batch), right_factor(batch));
  // Neighbours in memory go to neighbouring invocations, whichever way an operand lies.
  let along = vec2u(index % depth, index / depth);
  let across = vec2u(index / 16, index % 16);
  let right_share = select(across, along, transposes);
  var sums: array<vec4f, 4>;
  for (var p = 0u; p < k; p += depth) {
    left_rows[along.x * pitch + along.y] = factors.x * load_left(batch, group.y * tile + along.y * 4, p + along.x);
    right_rows[right_share.x * pitch + right_share.y] = factors.y * load_right(batch, p + right_share.x, group.x * tile + right_share.y * 4);
    workgroupBarrier();
    for (var q = 0u; q < depth; q++) {
      let a = left_rows[q * pitch + local.y];
      let b = right_rows[q * pitch + local.x];
      for (var row = 0u; row < 4; row++) { sums[row] += a[row] * b; }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < 4; row++) {
    for (var lane = 0u; lane < 4; lane++) {
      store(batch, group.y * tile + local.y * 4 + row, group.x * tile + local.x * 4 + lane, sums[row][lane]);
    }
  }
}
