// The right edge of a growing Merkle tree: enough to append a leaf and to know the root without the other leaves. Plain
// JSON, so that the ledger stores it beside its events.

import { emptyRoot, hashNode } from './hash.ts';

/** `peaks` are the roots of the perfect subtrees that the leaves fill, largest first: one for each 1 bit of `size`. */
export interface Frontier {
  readonly size: number;
  readonly peaks: readonly string[];
}

export const emptyFrontier: Frontier = { size: 0, peaks: [] };

/** The frontier after one more leaf (its leaf hash). Hashes O(log size) nodes, one on average. */
export function append(frontier: Frontier, leaf: string): Frontier {
  const peaks = [...frontier.peaks];
  let peak = leaf;
  for (let rest = frontier.size; rest % 2 === 1; rest = Math.floor(rest / 2)) peak = hashNode(peaks.pop()!, peak);
  return { size: frontier.size + 1, peaks: [...peaks, peak] };
}

/** The Merkle tree hash of all leaves appended so far. */
export function frontierRoot(frontier: Frontier): string {
  return frontier.peaks.length === 0 ? emptyRoot : frontier.peaks.reduceRight((right, left) => hashNode(left, right));
}
