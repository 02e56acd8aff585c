// Made from kernels/prelude/muon-product.wgsl by `npm run generate`. Do not edit.
export const muonProductPrelude = `// Products of stacks, matrix by matrix: out[m, n] = A B, where B lies [k, n], or [n, k] if it \`transposes\`. With
// \`polynomial\`, A and B are both the Gram matrix G, and out is Newton-Schulz's aI + bG + cG^2.

override m: u32;
override n: u32;
override k: u32;
override transposes: bool;
override polynomial: bool;
override scaled: bool; // B is multiplied by its matrix's scale; of a polynomial G by its square

@group(0) @binding(0) var<storage, read> left: array<f32>; // [batch, m, k]
@group(0) @binding(1) var<storage, read> right: array<f32>; // [batch, k, n] or [batch, n, k]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [batch]; any buffer if unused
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // [batch, m, n]

fn right_factor(batch: u32) -> f32 {
  if (!scaled) { return 1; }
  return select(scales[batch], scales[batch] * scales[batch], polynomial);
}

fn left_factor(batch: u32) -> f32 {
  return select(1, right_factor(batch), polynomial);
}

fn right_place(batch: u32, p: u32, j: u32) -> u32 {
  return batch * k * n + select(p * n + j, j * k + p, transposes);
}

fn store(batch: u32, i: u32, j: u32, product: f32) {
  if (i >= m || j >= n) { return; }
  var value = product;
  if (polynomial) {
    value = 2.0315 * product - 4.7750 * right_factor(batch) * left[(batch * m + i) * k + j];
    if (i == j) { value += 3.4445; }
  }
  out[(batch * m + i) * n + j] = value;
}`;
