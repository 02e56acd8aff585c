// Made from kernels/muon/muon-product.wgsl by `npm run generate`. Do not edit.
import { muonProductPrelude } from './prelude/muon-product.ts';

const entryPoints = {
  product: {
    bindings: [
      {"number":0,"name":"left","access":"read","type":"array<f32>"},
      {"number":1,"name":"right","access":"read","type":"array<f32>"},
      {"number":2,"name":"scales","access":"read","type":"array<f32>"},
      {"number":3,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["k","m","n","polynomial","scaled","transposes"],
    optional: [],
  },
} as const;

const code = [`// For software adapters: 4 x 4 of a matrix an invocation, in registers, with neither workgroup memory nor barriers.
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
}`, muonProductPrelude].join('\n\n');

export const muonProduct = { name: 'muon-product', entryPoints, code } as const;
