// Made from kernels/prelude/matmul-gates.wgsl by `npm run generate`. Do not edit.
export const matmulGatesPrelude = `// Products that end in a SwiGLU: columns j and j + n / 2 of C are a gate and its value, and neighbours in a tile.
// with: matmul-store, swiglu

override gates: bool; // \`second\` is SwiGLU of the gates and values in the halves of a row of C; needs the whole sum, and B as nt

/// The gate at column j / 2 with its value; \`second\` is SwiGLU of them, half as wide as C.
fn store_pair(i: u32, j: u32, sums: vec2f) {
  if (i >= m || j >= n) { return; }
  let at = j / 2;
  var pair = sums;
  if (biased) { pair += vec2f(bias[at], bias[at + n / 2]); }
  put_in_c(i * n + at, pair.x);
  put_in_c(i * n + at + n / 2, pair.y);
  put_in_second(i * (n / 2) + at, swiglu_of(pair));
}`;
