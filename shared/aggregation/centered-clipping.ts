// Centered clipping (Karimireddy et al., arXiv 2012.10333): pull every contribution to within a radius of the centre and
// average, a few times over. The radius follows the contributions, a multiple of their median distance from the centre, so
// that one setting fits every model and every phase of training. The centre begins at zero, no change: a centre carried over
// from the round before is what the attack of arXiv 2208.09894 aims at, and would have to be part of the agreed state.

import { vectorsOf } from './rule.ts';
import type { Rule } from './rule.ts';
import { combine, distance, lowerMedian, shrinkTo } from './vectors.ts';

const iterations = 3;

/** @param radius times the median distance from the centre */
export function centeredClipping(radius: number): Rule {
  return (contributions) => {
    const vectors = vectorsOf(contributions);
    let centre: Float32Array = new Float32Array(vectors[0]!.length);
    for (let step = 0; step < iterations; step++) centre = pullTowards(vectors, centre, radius);
    return centre;
  };
}

/** centre + the mean of (vector - centre), each shortened to the radius. */
function pullTowards(vectors: readonly Float32Array[], centre: Float32Array, radius: number): Float32Array {
  const distances = vectors.map((vector) => distance(vector, centre));
  const limit = radius * lowerMedian(distances);
  const weights = distances.map((apart) => shrinkTo(limit, apart) / vectors.length);
  const moved = weights.reduce((sum, weight) => sum + weight, 0);
  return combine([...vectors, centre], [...weights, 1 - moved]);
}
