// Reference of the SGD kernel, which is also the CPU backend.

import type { View } from '../plan/op.ts';
import { clipFactor } from '../reduce/clip.ts';

export function sgdReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [gradients, squares, decays, hyper] = inputs as [View, View, View, View];
  const [parameters, velocities] = outputs as [View, View?];
  const [learningRate, momentum, weightDecay, maxNorm] = hyper as unknown as [number, number, number, number];
  const factor = clipFactor(squares[0]!, maxNorm);
  for (let i = 0; i < parameters.length; i++) {
    let step = gradients[i]! * factor + weightDecay * decays[i >> 6]! * parameters[i]!;
    if (velocities) velocities[i] = step = momentum * velocities[i]! + step;
    parameters[i] = parameters[i]! - learningRate * step;
  }
}
