// Rules that look at each coordinate by itself (Yin et al., arXiv 1803.01498). For dense contributions only: of sparse ones
// most values of a coordinate are zero, so the middle ones are zero too and what the few senders said is lost.

import { vectorsOf } from './rule.ts';
import type { Rule } from './rule.ts';

/** The median of each coordinate; of an even number the mean of the middle two. Withstands liars fewer than half. */
export const coordinateMedian: Rule = (contributions) => meanOfMiddle(vectorsOf(contributions), contributions.length);

/** Leaves out the `trimmed` part of the values of each coordinate at either end and averages the others. */
export function trimmedMean(trimmed: number): Rule {
  return (contributions) => meanOfMiddle(vectorsOf(contributions), Math.ceil(trimmed * contributions.length));
}

/** Sorting makes the result independent of the list's order, to the bit. At least one value is left. */
function meanOfMiddle(vectors: readonly Float32Array[], trimmed: number): Float32Array {
  const from = Math.min(trimmed, (vectors.length - 1) >> 1);
  const to = vectors.length - from;
  const column = new Float32Array(vectors.length);
  return new Float32Array(vectors[0]!.length).map((_, i) => {
    for (let k = 0; k < column.length; k++) column[k] = vectors[k]![i]!;
    column.sort();
    let sum = 0;
    for (let k = from; k < to; k++) sum += column[k]!;
    return sum / (to - from);
  });
}
