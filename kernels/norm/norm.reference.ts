// References of the norm kernels, which are also the CPU backend. Rows x [R, C], x' = (x - mean) * rstd.

import type { Op, View } from '../plan/op.ts';

export function normReference([x, gain, bias]: readonly View[], outputs: readonly View[], { attributes }: Op): void {
  const [out, means, rstds] = outputs as [View, View, View];
  const epsilon = attributes['epsilon'] as number;
  const width = gain!.length;
  for (let row = 0; row < means.length; row++) {
    const at = row * width;
    const mean = attributes['centred'] ? sum(x!, at, width) / width : 0;
    const rstd = 1 / Math.sqrt(sumOfSquares(x!, at, width, mean) / width + epsilon);
    for (let c = 0; c < width; c++) out[at + c] = (x![at + c]! - mean) * rstd * gain![c]! + (bias ? bias[c]! : 0);
    means[row] = mean;
    rstds[row] = rstd;
  }
}

/** dx = rstd * (g - mean(g) - x' * mean(g * x')) with g = dy * gain; without mean(g) for RMSNorm. Plus an addend, if any. */
export function normInputGradientReference(inputs: readonly View[], [out]: readonly View[], { attributes }: Op): void {
  const [x, gain, means, rstds, gradient, addend] = inputs as [View, View, View, View, View, View?];
  const width = gain.length;
  for (let row = 0; row < means.length; row++) {
    const at = row * width;
    const mean = means[row]!;
    const rstd = rstds[row]!;
    let total = 0;
    let projected = 0;
    for (let c = 0; c < width; c++) {
      const scaled = gradient[at + c]! * gain[c]!;
      total += scaled;
      projected += scaled * (x[at + c]! - mean) * rstd;
    }
    const shift = attributes['centred'] ? total / width : 0;
    const slope = (projected / width) * rstd;
    for (let c = 0; c < width; c++) {
      const slopeOfRow = rstd * (gradient[at + c]! * gain[c]! - shift - (x[at + c]! - mean) * slope);
      out![at + c] = slopeOfRow + (addend ? addend[at + c]! : 0);
    }
  }
}

/** dgain = sum over rows of dy * x'; dbias = sum over rows of dy. */
export function normScaleGradientReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [x, means, rstds, gradient] = inputs as [View, View, View, View];
  const width = outputs[0]!.length;
  const gains = new Float64Array(width);
  const biases = new Float64Array(width);
  for (let row = 0; row < means.length; row++) {
    const at = row * width;
    const mean = means[row]!;
    const rstd = rstds[row]!;
    for (let c = 0; c < width; c++) {
      gains[c] = gains[c]! + gradient[at + c]! * (x[at + c]! - mean) * rstd;
      biases[c] = biases[c]! + gradient[at + c]!;
    }
  }
  outputs[0]!.set(gains);
  outputs[1]?.set(biases);
}

/** Both of the above: inputs of the first, outputs of both. */
export function normGradientReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const [x, , means, rstds, gradient] = inputs as [View, View, View, View, View];
  normScaleGradientReference([x, means, rstds, gradient], outputs.slice(1));
  normInputGradientReference(inputs, outputs, op);
}

function sum(x: View, at: number, width: number): number {
  let total = 0;
  for (let c = 0; c < width; c++) total += x[at + c]!;
  return total;
}

function sumOfSquares(x: View, at: number, width: number, mean: number): number {
  let total = 0;
  for (let c = 0; c < width; c++) total += (x[at + c]! - mean) ** 2;
  return total;
}
