// Several slices of a flat vector as one binding, because a dispatch may have only eight.

import type { TensorSlice } from './dispatch.ts';
import type { Tensor } from './op.ts';
import { elementsOf } from './op.ts';

export interface Span {
  readonly slice: TensorSlice;
  /** Where each tensor begins in it, in elements: multiples of 64. */
  readonly offsets: readonly number[];
}

/** The shortest part of a flat vector that holds all of these. Null: they do not lie in one, or it would hold one of `others` too. */
export function spanOf(tensors: readonly Tensor[], others: readonly Tensor[] = []): Span | null {
  const [lowest] = tensors.toSorted((a, b) => a.offset - b.offset) as [Tensor];
  const isFlat = lowest.role === 'parameter' || lowest.role === 'gradient';
  if (!isFlat || tensors.some(({ role }) => role !== lowest.role)) return null;
  const end = Math.max(...tensors.map(endOf));
  const isTorn = others.some(
    (other) => other.role === lowest.role && other.offset < end && endOf(other) > lowest.offset,
  );
  if (isTorn) return null;
  return {
    slice: { tensor: lowest, range: { first: 0, elements: end - lowest.offset } },
    offsets: tensors.map(({ offset }) => offset - lowest.offset),
  };
}

function endOf({ offset, shape }: Tensor): number {
  return offset + elementsOf(shape);
}
