// References of the norm kernels, which are also the CPU backend. Rows x [R, C], x' = (x - mean) * rstd; the statistics of a row
// are [mean, rstd].

import type { Op, View } from '../plan/op.ts';
import type { NormAttributes } from './rows.ts';
import { splitGradients } from './rows.ts';

export function normReference([x, gain, bias]: readonly View[], outputs: readonly View[], { attributes }: Op): void {
  const [out, statistics] = outputs as [View, View];
  const { centred, epsilon } = attributes as NormAttributes;
  const width = gain!.length;
  for (let at = 0, row = 0; at < out.length; at += width, row++) {
    const mean = centred ? sum(x!, at, width) / width : 0;
    const rstd = 1 / Math.sqrt(sumOfSquares(x!, at, width, mean) / width + epsilon);
    for (let c = 0; c < width; c++) out[at + c] = (x![at + c]! - mean) * rstd * gain![c]! + (bias ? bias[c]! : 0);
    statistics[2 * row] = mean;
    statistics[2 * row + 1] = rstd;
  }
}

export function normGradientReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const { input, gain, bias } = splitGradients(op, outputs);
  if (gain) scaleGradients(inputs, gain, bias);
  if (input) inputGradient(inputs, input, op.attributes['centred'] as boolean);
}

/** dx = rstd * (g - mean(g) - x' * mean(g * x')) with g = dy * gain; without mean(g) for RMSNorm. Plus an addend, if any. */
function inputGradient(inputs: readonly View[], out: View, centred: boolean): void {
  const [x, gain, statistics, gradient, addend] = inputs as [View, View, View, View, View?];
  const width = gain.length;
  for (let at = 0, row = 0; at < out.length; at += width, row++) {
    const mean = statistics[2 * row]!;
    const rstd = statistics[2 * row + 1]!;
    let total = 0;
    let projected = 0;
    for (let c = 0; c < width; c++) {
      const scaled = gradient[at + c]! * gain[c]!;
      total += scaled;
      projected += scaled * (x[at + c]! - mean) * rstd;
    }
    const shift = centred ? total / width : 0;
    const slope = (projected / width) * rstd;
    for (let c = 0; c < width; c++) {
      const slopeOfRow = rstd * (gradient[at + c]! * gain[c]! - shift - (x[at + c]! - mean) * slope);
      out[at + c] = slopeOfRow + (addend ? addend[at + c]! : 0);
    }
  }
}

/** dgain = sum over rows of dy * x'; dbias = sum over rows of dy. */
function scaleGradients(inputs: readonly View[], gain: View, bias: View | undefined): void {
  const [x, , statistics, gradient] = inputs as [View, View, View, View];
  const width = gain.length;
  const gains = new Float64Array(width);
  const biases = new Float64Array(width);
  for (let at = 0, row = 0; at < x.length; at += width, row++) {
    const mean = statistics[2 * row]!;
    const rstd = statistics[2 * row + 1]!;
    for (let c = 0; c < width; c++) {
      gains[c] = gains[c]! + gradient[at + c]! * (x[at + c]! - mean) * rstd;
      biases[c] = biases[c]! + gradient[at + c]!;
    }
  }
  gain.set(gains);
  bias?.set(biases);
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
