// Copy detection: who sends what another has sent earned nothing and would count twice (Gauntlet, arXiv 2505.21684). Where
// commitments come before any payload, only workers that plot together can; the first of them in the list counts.

import type { Difference } from '../aggregation/rule.ts';

/** Equal part of the elements that either says something about, from which on the later is a copy of the earlier. */
const copiedShare = 0.95;
/** Two values are equal within this part of the larger one: a copier may add a little noise. */
const equalWithin = 0.01;

/** The contributions that copy no earlier one, in their order. */
export function withoutCopies<T extends Difference>(contributions: readonly T[]): T[] {
  const kept: T[] = [];
  for (const contribution of contributions) {
    if (!kept.some((earlier) => isCopy(contribution.difference, earlier.difference))) kept.push(contribution);
  }
  return kept;
}

export function isCopy(later: Float32Array, earlier: Float32Array): boolean {
  let [spoken, differing] = [0, 0];
  for (let i = 0; i < later.length; i++) {
    const [a, b] = [later[i]!, earlier[i]!];
    if (a === 0 && b === 0) continue;
    spoken++;
    if (Math.abs(a - b) > equalWithin * Math.max(Math.abs(a), Math.abs(b))) differing++;
    if (differing > 1024 && differing > 0.5 * spoken) return false; // as nearly always, after a glance
  }
  return spoken > 0 && differing <= (1 - copiedShare) * spoken;
}
