// Reference of the column sum.

import type { View } from '../plan/op.ts';

export function columnSumReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [matrix, out] = [inputs[0]!, outputs[0]!];
  for (let j = 0; j < out.length; j++) {
    let total = 0;
    for (let at = j; at < matrix.length; at += out.length) total += matrix[at]!;
    out[j] = total;
  }
}
