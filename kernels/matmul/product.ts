// The sizes and strides of a matrix product C[m, n] = sum over p < k of A(i, p) B(p, j). Leading dimensions of a tensor
// count as rows: [B, T, K] is a matrix of B * T rows.

import { LoomError } from '../../shared/errors.ts';
import type { Attributes, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';

/** nn: A[.., M, K] B[K, N]. nt: A[.., M, K] B[N, K]. tn: A[.., K, M] B[.., K, N], which sums over all rows. */
export type MatmulLayout = 'nn' | 'nt' | 'tn';

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aRow: number; // elements from A(i, p) to A(i + 1, p)
  readonly aColumn: number; // elements from A(i, p) to A(i, p + 1)
  readonly bRow: number; // elements from B(p, j) to B(p + 1, j)
  readonly bColumn: number;
}

export function layoutOf({ layout }: Attributes): MatmulLayout {
  if (layout === 'nn' || layout === 'nt' || layout === 'tn') return layout;
  throw new LoomError('internal', `matmul with the layout ${layout}`, { allowed: 'nn, nt, tn' });
}

/** Throws LoomError `internal` when the shapes do not fit. */
export function productOf({ inputs, attributes }: Pick<Op, 'inputs' | 'attributes'>): Product {
  const layout = layoutOf(attributes);
  const [a, b] = inputs as [Tensor, Tensor];
  const [aRows, aWidth] = matrixOf(a);
  const [bRows, bWidth] = matrixOf(b);
  const [m, k] = layout === 'tn' ? [aWidth, aRows] : [aRows, aWidth];
  const [inner, n] = layout === 'nt' ? [bWidth, bRows] : [bRows, bWidth];
  if (inner !== k)
    throw new LoomError('internal', `matmul ${layout} of [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
  const [aRow, aColumn] = layout === 'tn' ? [1, aWidth] : [aWidth, 1];
  const [bRow, bColumn] = layout === 'nt' ? [1, bWidth] : [bWidth, 1];
  return { m, n, k, aRow, aColumn, bRow, bColumn };
}

/** Rows and width of a tensor taken as a matrix. */
export function matrixOf(tensor: Tensor): [rows: number, width: number] {
  const width = tensor.shape.at(-1) ?? 1;
  return [elementsOf(tensor.shape) / width, width];
}
