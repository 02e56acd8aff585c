// For software adapters: 4 x 4 of a matrix an invocation, in registers, with neither workgroup memory nor barriers.
// with: muon-product

@compute @workgroup_size(8, 8)
fn product(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * 4;
  let j = id.x * 4;
  if (i >= m || j >= n) { return; }
  let factors = vec2f(left_factor(id.z), right_factor(id.z));
  // Beyond the edge the last row or column is computed again, and not stored.
  let rows = (id.z * m + min(vec4u(i, i + 1, i + 2, i + 3), vec4u(m - 1))) * k;
  let columns = min(vec4u(j, j + 1, j + 2, j + 3), vec4u(n - 1));
  var tile: array<vec4f, 4>;
  for (var p = 0u; p < k; p++) {
    var b: vec4f;
    for (var lane = 0u; lane < 4; lane++) { b[lane] = right[right_place(id.z, p, columns[lane])] * factors.y; }
    for (var lane = 0u; lane < 4; lane++) { tile[lane] += left[rows[lane] + p] * factors.x * b; }
  }
  for (var row = 0u; row < 4; row++) {
    for (var lane = 0u; lane < 4; lane++) { store(id.z, i + row, j + lane, tile[row][lane]); }
  }
}
