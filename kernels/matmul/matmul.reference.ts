// Reference of the matrix products.

import { geluGradientReference, geluReference } from '../elementwise/gelu.reference.ts';
import { swigluGradientReference, swigluReference } from '../elementwise/swiglu.reference.ts';
import type { Op, View } from '../plan/op.ts';
import { columnSumReference } from './column-sum.reference.ts';
import { epilogueOf } from './epilogue.ts';
import { operandsOf } from './half.reference.ts';
import { productOf } from './product.ts';

export function matmulReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const [a, b] = operandsOf(inputs, op);
  const [c, second] = outputs as [View, View?];
  const { bias, extra, extraIs, secondIs } = epilogueOf(op, inputs);
  const { m, n, k, aRow, aColumn, bRow, bColumn } = productOf(op);
  const products = extraIs === 'gates' ? c.slice(0, m * n) : c;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = bias ? bias[j]! : 0;
      for (let p = 0; p < k; p++) total += a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
      products[i * n + j] = total;
    }
  }
  if (extraIs === 'slope') geluGradientReference([extra!, c], [c]);
  if (extraIs === 'gates')
    swigluGradientReference([extra!, products], [c], { inputs: [epilogueOf(op, op.inputs).extra!] });
  if (extraIs === 'add') for (let at = 0; at < c.length; at++) c[at] = c[at]! + extra![at]!;
  if (secondIs === 'gelu') geluReference([c], [second!]);
  if (secondIs === 'swiglu') swigluReference([c], [second!], { inputs: op.outputs });
  if (secondIs === 'columnSum') columnSumReference([inputs[1]!], [second!]);
}
