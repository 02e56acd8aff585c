// Reference of sum.

import type { View } from '../plan/op.ts';

export function sumReference(inputs: readonly View[], outputs: readonly View[]): void {
  const output = outputs[0]!;
  for (let i = 0; i < output.length; i++) {
    let total = inputs[0]![i]!;
    for (let j = 1; j < inputs.length; j++) total += inputs[j]![i]!;
    output[i] = total;
  }
}
