// Clipping to the median norm, so that nobody speaks louder than most: whole contributions, or each parameter tensor by
// itself (as Gauntlet does, arXiv 2505.21684).

import type { Difference } from './rule.ts';
import { combine, lowerMedian, norm, shrinkTo } from './vectors.ts';
import type { Range } from './vectors.ts';

/** The mean of the vectors, each first brought down to the median norm. */
export function clippedMean(vectors: readonly Float32Array[]): Float32Array {
  const norms = vectors.map((vector) => norm(vector));
  const limit = lowerMedian(norms);
  return combine(
    vectors,
    norms.map((length) => shrinkTo(limit, length) / vectors.length),
  );
}

/**
 * Brings every tensor of every contribution down to the tensor's median norm, then every contribution to their median norm.
 * A sparse contribution may say nothing about a small tensor: the median is over those that do.
 */
export function clipTensors(contributions: readonly Difference[], ranges: readonly Range[]): Difference[] {
  const clipped = contributions.map(({ difference, tokens }) => ({ difference: difference.slice(), tokens }));
  const limit = lowerMedian(contributions.map(({ difference }) => norm(difference)));
  for (const range of ranges) clipRange(clipped, range);
  for (const { difference } of clipped) scale(difference, shrinkTo(limit, norm(difference)));
  return clipped;
}

function clipRange(contributions: readonly Difference[], range: Range): void {
  const norms = contributions.map(({ difference }) => norm(difference, range));
  const spoken = norms.filter((length) => length > 0);
  if (spoken.length === 0) return;
  const limit = lowerMedian(spoken);
  for (const [k, { difference }] of contributions.entries()) {
    scale(difference.subarray(range.offset, range.offset + range.elements), shrinkTo(limit, norms[k]!));
  }
}

function scale(vector: Float32Array, factor: number): void {
  if (factor === 1) return;
  for (let i = 0; i < vector.length; i++) vector[i] = factor * vector[i]!;
}
