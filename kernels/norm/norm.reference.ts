// LayerNorm and RMSNorm in plain TypeScript: the truth the WGSL is held against, and the CPU backend. Rows x [R, C].
// With x' = (x - mean) * rstd, LayerNorm gives x' * gain + bias; RMSNorm leaves the mean at zero.
// LayerNorm: Ba, Kiros, Hinton 2016 (arXiv:1607.06450). RMSNorm: Zhang, Sennrich 2019 (arXiv:1910.07467).

export interface NormShape {
  readonly width: number; // C
  readonly centred: boolean; // true: LayerNorm, false: RMSNorm
}

/** Writes out [R, C], and per row the mean [R] (zero when not centred) and 1 / standard deviation [R]. */
export function normalize(
  x: Float32Array,
  gain: Float32Array,
  bias: Float32Array | null,
  outputs: { out: Float32Array; mean: Float32Array; rstd: Float32Array },
  { width, centred, epsilon }: NormShape & { epsilon: number },
): void {
  for (let row = 0; row < outputs.mean.length; row++) {
    const at = row * width;
    const mean = centred ? sum(x, at, width) / width : 0;
    const rstd = 1 / Math.sqrt(sumOfSquares(x, at, width, mean) / width + epsilon);
    for (let c = 0; c < width; c++) {
      outputs.out[at + c] = (x[at + c]! - mean) * rstd * gain[c]! + (bias === null ? 0 : bias[c]!);
    }
    outputs.mean[row] = mean;
    outputs.rstd[row] = rstd;
  }
}

/** Writes the gradient of x: dx = rstd * (g - mean(g) - x' * mean(g * x')) with g = dy * gain; no mean(g) for RMSNorm. */
export function normInputGradient(
  inputs: { x: Float32Array; gain: Float32Array; mean: Float32Array; rstd: Float32Array; gradient: Float32Array },
  out: Float32Array,
  { width, centred }: NormShape,
): void {
  const { x, gain, mean, rstd, gradient } = inputs;
  for (let row = 0; row < mean.length; row++) {
    const at = row * width;
    let total = 0;
    let projected = 0;
    for (let c = 0; c < width; c++) {
      const scaled = gradient[at + c]! * gain[c]!;
      total += scaled;
      projected += scaled * (x[at + c]! - mean[row]!) * rstd[row]!;
    }
    const shift = centred ? total / width : 0;
    const slope = projected / width;
    for (let c = 0; c < width; c++) {
      const normal = (x[at + c]! - mean[row]!) * rstd[row]!;
      out[at + c] = rstd[row]! * (gradient[at + c]! * gain[c]! - shift - normal * slope);
    }
  }
}

/** Writes the gradients of gain [C] = sum over rows of dy * x', and of bias [C] = sum over rows of dy (if there is one). */
export function normScaleGradient(
  inputs: { x: Float32Array; mean: Float32Array; rstd: Float32Array; gradient: Float32Array },
  outputs: { gain: Float32Array; bias: Float32Array | null },
  { width }: { width: number },
): void {
  const { x, mean, rstd, gradient } = inputs;
  const gains = new Float64Array(width);
  const biases = new Float64Array(width);
  for (let row = 0; row < mean.length; row++) {
    const at = row * width;
    for (let c = 0; c < width; c++) {
      gains[c] = gains[c]! + gradient[at + c]! * (x[at + c]! - mean[row]!) * rstd[row]!;
      biases[c] = biases[c]! + gradient[at + c]!;
    }
  }
  outputs.gain.set(gains);
  outputs.bias?.set(biases);
}

function sum(x: Float32Array, at: number, width: number): number {
  let total = 0;
  for (let c = 0; c < width; c++) total += x[at + c]!;
  return total;
}

function sumOfSquares(x: Float32Array, at: number, width: number, mean: number): number {
  let total = 0;
  for (let c = 0; c < width; c++) total += (x[at + c]! - mean) ** 2;
  return total;
}
