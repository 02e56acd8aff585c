// The overrides of a product's WGSL. The attributes `firstColumn` and `columns` make it the columns from the one on of a C that has so
// many: how a product whose B is beyond a binding is cut.

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
    ...(isPiece(op) && { first_column: Number(op.attributes['firstColumn']), c_row: Number(op.attributes['columns']) }),
  };
}

/** Whether a product makes only some columns of what it writes to. */
export function isPiece({ attributes }: Pick<Op, 'attributes'>): boolean {
  return attributes['columns'] !== undefined;
}
