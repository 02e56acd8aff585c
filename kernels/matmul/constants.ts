// The overrides of a product's WGSL.

import type { Op } from '../plan/op.ts';
import { epilogueOf } from './epilogue.ts';
import type { Product } from './product.ts';

export function constantsOf(op: Op, { m, n, k, aRow, aColumn, bRow, bColumn }: Product) {
  const { bias, extraIs, secondIs } = epilogueOf(op, op.inputs);
  return {
    m,
    n,
    k,
    a_row: aRow,
    a_column: aColumn,
    b_row: bRow,
    b_column: bColumn,
    biased: bias !== undefined,
    slopes: extraIs === 'slope',
    adds: extraIs === 'add',
    activates: secondIs === 'gelu',
    sums_columns: secondIs === 'columnSum',
  };
}
