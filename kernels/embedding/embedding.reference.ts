// Embedding in plain TypeScript: the truth the WGSL is held against, and the CPU backend. R = B * T rows of width C.

/**
 * Looks up one table row per token and adds the learned position row, if there is one.
 * @param tokens [R], each below V  @param table [V, C]  @param positions [>= T, C] or null  @param out [R, C]
 */
export function embed(
  tokens: Uint32Array,
  table: Float32Array,
  positions: Float32Array | null,
  out: Float32Array,
  { time, width }: { time: number; width: number },
): void {
  for (let row = 0; row < tokens.length; row++) {
    const from = tokens[row]! * width;
    const to = row * width;
    for (let c = 0; c < width; c++) out[to + c] = table[from + c]!;
    if (positions !== null) addRow(out, to, positions, (row % time) * width, width);
  }
}

/**
 * The table's gradient: each row is the sum of the output gradients at that token, in order of appearance.
 * @param tokens [R]  @param gradient [R, C]  @param out [V, C], zero for tokens that do not appear
 */
export function embedTableGradient(
  tokens: Uint32Array,
  gradient: Float32Array,
  out: Float32Array,
  { width }: { width: number },
): void {
  out.fill(0);
  for (let row = 0; row < tokens.length; row++) addRow(out, tokens[row]! * width, gradient, row * width, width);
}

/**
 * The position rows' gradient: the sum over the batch.
 * @param gradient [R, C]  @param out [>= T, C], zero for positions past T
 */
export function embedPositionGradient(
  gradient: Float32Array,
  out: Float32Array,
  { time, width }: { time: number; width: number },
): void {
  out.fill(0);
  const rows = gradient.length / width;
  for (let row = 0; row < rows; row++) addRow(out, (row % time) * width, gradient, row * width, width);
}

function addRow(out: Float32Array, to: number, from: Float32Array, at: number, width: number): void {
  for (let c = 0; c < width; c++) out[to + c] = out[to + c]! + from[at + c]!;
}
