// References of the matrix products and of the column sum.

import type { Op, View } from '../plan/op.ts';
import { productOf } from './product.ts';

export function matmulReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const [a, b, bias] = inputs as [View, View, View | undefined];
  const c = outputs[0]!;
  const { m, n, k, aRow, aColumn, bRow, bColumn } = productOf(op);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = bias ? bias[j]! : 0;
      for (let p = 0; p < k; p++) total += a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
      c[i * n + j] = total;
    }
  }
}

export function columnSumReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [matrix, out] = [inputs[0]!, outputs[0]!];
  for (let j = 0; j < out.length; j++) {
    let total = 0;
    for (let at = j; at < matrix.length; at += out.length) total += matrix[at]!;
    out[j] = total;
  }
}
