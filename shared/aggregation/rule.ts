// The seam of the aggregation rules. A rule sees contributions that are finite, of equal length, and at least one.

import type { Range } from './vectors.ts';

/** One accepted contribution, decoded: trained minus agreed parameters, and the tokens it was trained on. */
export interface Difference {
  readonly difference: Float32Array;
  readonly tokens: number;
}

/**
 * What a round's contributions come to: a new vector, the same bits in every engine for the same list in the same order.
 * Only the mean weighs by tokens; elsewhere each contribution counts once, so that claiming more tokens buys no weight.
 */
export type Rule = (contributions: readonly Difference[]) => Float32Array;

/** What a round is, beside its contributions. */
export interface Context {
  readonly round: number;
  readonly elements: number;
  readonly ranges: readonly Range[]; // the parameter tensors within the vector
}

export function vectorsOf(contributions: readonly Difference[]): Float32Array[] {
  return contributions.map(({ difference }) => difference);
}
