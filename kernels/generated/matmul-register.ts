// Made from kernels/matmul/matmul-register.wgsl by `npm run generate`. Do not edit.
export const matmulRegister = {
  name: 'matmul-register',
  entryPoints: {
    matmul: {
      bindings: [
        {"number":0,"name":"a","access":"read","type":"array<f32>"},
        {"number":1,"name":"b","access":"read","type":"array<f32>"},
        {"number":2,"name":"bias","access":"read","type":"array<f32>"},
        {"number":3,"name":"extra","access":"read","type":"array<f32>"},
        {"number":4,"name":"c","access":"write","type":"array<f32>"},
        {"number":5,"name":"second","access":"write","type":"array<f32>"},
      ],
      required: ["a_column","a_row","activates","adds","b_column","b_row","biased","k","m","n","slopes","sums_columns"],
      optional: [],
    },
  },
  code: `// C[m, n] = A B for software adapters: 4 x 4 of C an invocation, in registers, with neither workgroup memory nor barriers.
// Strides say how A and B lie, so that one kernel serves NN, NT and TN.

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;

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
override biased: bool; // a bias is added to each row; without, \`bias\` is any buffer
override slopes: bool; // times GELU'(extra): what is written is the gradient by the argument of a GELU
override adds: bool; // plus \`extra\`: a residual, or another contribution to a gradient
override activates: bool; // \`second\` is GELU(C)
override sums_columns: bool; // \`second\` is the sum of B over its rows: the gradient of a bias

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

@compute @workgroup_size(8, 8)
fn matmul(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 4;
  let column = id.x * 4;
  if (row >= m || column >= n) { return; }
  // Beyond the edge the last row or column is computed again, and not stored.
  let rows = min(vec4u(row, row + 1, row + 2, row + 3), vec4u(m - 1));
  let columns = min(vec4u(column, column + 1, column + 2, column + 3), vec4u(n - 1));
  var tile: array<vec4f, 4>;
  var column_sums = vec4f();
  var at_a = rows * a_row;
  var at_b = columns * b_column;
  for (var p = 0u; p < k; p++) {
    let right = vec4f(b[at_b.x], b[at_b.y], b[at_b.z], b[at_b.w]);
    tile[0] += a[at_a.x] * right;
    tile[1] += a[at_a.y] * right;
    tile[2] += a[at_a.z] * right;
    tile[3] += a[at_a.w] * right;
    if (sums_columns) { column_sums += right; }
    at_a += vec4u(a_column);
    at_b += vec4u(b_row);
  }
  for (var j = 0u; j < 4; j++) {
    for (var i = 0u; i < 4; i++) { store(row + i, column + j, tile[i][j]); }
    if (sums_columns && row == 0 && column + j < n) { second[column + j] = column_sums[j]; }
  }
}
`,
} as const;
