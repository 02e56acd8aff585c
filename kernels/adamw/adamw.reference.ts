// Reference of the AdamW kernel, which is also the CPU backend.

import type { View } from '../plan/op.ts';
import { clipFactor } from '../reduce/clip.ts';

export function adamwReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [gradients, squares, decays, hyper] = inputs as [View, View, View, View];
  const [parameters, means, variances] = outputs as [View, View, View];
  const [learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, maxNorm] =
    hyper as unknown as Hyper;
  const factor = clipFactor(squares[0]!, maxNorm);
  const rate = learningRate / correction1;
  const root = Math.sqrt(correction2);
  for (let i = 0; i < parameters.length; i++) {
    const gradient = gradients[i]! * factor;
    const mean = beta1 * means[i]! + (1 - beta1) * gradient;
    const variance = beta2 * variances[i]! + (1 - beta2) * gradient * gradient;
    const deviation = Math.sqrt(variance) / root + epsilon;
    const kept = 1 - learningRate * weightDecay * decays[i >> 6]!;
    parameters[i] = parameters[i]! * kept - (rate * mean) / deviation;
    means[i] = mean;
    variances[i] = variance;
  }
}

type Hyper = [number, number, number, number, number, number, number, number];
