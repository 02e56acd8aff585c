// The geometric median (RFA: Pillutla et al., arXiv 1912.13445): the point with the smallest sum of distances to all
// contributions, by smoothed Weiszfeld steps. Withstands liars fewer than half, however far away they are.

import { clippedMean } from './norm-clip.ts';
import { vectorsOf } from './rule.ts';
import type { Rule } from './rule.ts';
import { combine, distance, lowerMedian } from './vectors.ts';

const iterations = 10; // fixed, so that everyone does the same
const smoothing = 1e-3; // of the median distance: what is nearer does not pull harder

/** Starts from the mean of contributions clipped to the median norm, as from the plain mean a huge liar is far to walk back. */
export const geometricMedian: Rule = (contributions) => {
  const vectors = vectorsOf(contributions);
  let centre = clippedMean(vectors);
  for (let step = 0; step < iterations; step++) {
    const distances = vectors.map((vector) => distance(vector, centre));
    const nearest = smoothing * lowerMedian(distances);
    if (nearest === 0) return centre; // most contributions are this very point
    const pulls = distances.map((apart) => 1 / Math.max(apart, nearest));
    const total = pulls.reduce((sum, pull) => sum + pull, 0);
    centre = combine(
      vectors,
      pulls.map((pull) => pull / total),
    );
  }
  return centre;
};
