// Krum and multi-Krum (Blanchard et al., NeurIPS 2017, arXiv 1703.02757): trust the contributions that have the closest
// neighbours. Compares all pairs, so the work grows with the square of the workers. Needs more than 2 f + 2 contributions to
// withstand f liars; with fewer it still returns a contribution that was sent, or a mean of such.

import { vectorsOf } from './rule.ts';
import type { Rule } from './rule.ts';
import { average, squaredDistance } from './vectors.ts';

/** The one contribution with the closest neighbours. @param attackers part of the contributions that may lie */
export function krum(attackers: number): Rule {
  return (contributions) => {
    const vectors = vectorsOf(contributions);
    return vectors[ranking(vectors, liarsAmong(vectors.length, attackers))[0]!]!.slice();
  };
}

/** The mean of all but as many contributions as may lie, those with the closest neighbours. */
export function multiKrum(attackers: number): Rule {
  return (contributions) => {
    const vectors = vectorsOf(contributions);
    const liars = liarsAmong(vectors.length, attackers);
    const trusted = ranking(vectors, liars).slice(0, vectors.length - liars);
    return average(trusted.toSorted((a, b) => a - b).map((k) => vectors[k]!));
  };
}

function liarsAmong(count: number, attackers: number): number {
  return Math.min(Math.ceil(attackers * count), (count - 1) >> 1);
}

/** Indices by score, the sum of the squared distances to the nearest others; of equal scores the earlier first. */
function ranking(vectors: readonly Float32Array[], liars: number): number[] {
  const neighbours = Math.max(1, vectors.length - liars - 2);
  const scores = pairwise(vectors).map((row, k) =>
    row
      .toSpliced(k, 1)
      .sort((a, b) => a - b)
      .slice(0, neighbours)
      .reduce((sum, apart) => sum + apart, 0),
  );
  return scores.map((_, k) => k).sort((a, b) => scores[a]! - scores[b]! || a - b);
}

/** Squared distances, [n, n], each pair computed once. */
function pairwise(vectors: readonly Float32Array[]): number[][] {
  const table = vectors.map(() => vectors.map(() => 0));
  for (let a = 0; a < vectors.length; a++) {
    for (let b = 0; b < a; b++) table[a]![b] = table[b]![a] = squaredDistance(vectors[a]!, vectors[b]!);
  }
  return table;
}
