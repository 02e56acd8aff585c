// Reference of the AdamW kernel, which is also the CPU backend.

import type { View } from '../plan/op.ts';
import { clipFactor } from '../reduce/clip.ts';

export function adamwReference([gradients, squares, decays, hyper]: readonly View[], outputs: readonly View[]): void {
  const [parameters, means, variances] = outputs as [View, View, View];
  const step = adamwStep(hyper!, squares![0]!);
  for (let i = 0; i < parameters.length; i++) {
    parameters[i] = step(parameters[i]!, gradients![i]!, decays![i >> 6]!, means, variances, i);
  }
}

/**
 * One element's step.
 * @param hyper `adamwHyper`
 * @returns the new parameter; changes its moments, at `kept`
 */
export function adamwStep(hyper: View, squares: number) {
  const [learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, maxNorm] =
    hyper as unknown as Hyper;
  const factor = clipFactor(squares, maxNorm);
  const rate = learningRate / correction1;
  const root = Math.sqrt(correction2);
  return (parameter: number, slope: number, decay: number, means: View, variances: View, kept: number): number => {
    const gradient = slope * factor;
    const mean = beta1 * means[kept]! + (1 - beta1) * gradient;
    const variance = beta2 * variances[kept]! + (1 - beta2) * gradient * gradient;
    means[kept] = mean;
    variances[kept] = variance;
    return (
      parameter * (1 - learningRate * weightDecay * decay) - (rate * mean) / (Math.sqrt(variance) / root + epsilon)
    );
  };
}

/** What `adamwHyper` makes. */
export type Hyper = [number, number, number, number, number, number, number, number];
