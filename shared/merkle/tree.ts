// Root and proofs from all leaf hashes of a log, RFC 9162 section 2.1. Every function hashes O(n) nodes; whoever only
// appends keeps a frontier instead.

import { LoomError } from '../errors.ts';
import { emptyRoot, hashNode } from './hash.ts';

/** The Merkle tree hash of `leaves`, which are leaf hashes. */
export function rootOf(leaves: readonly string[]): string {
  return leaves.length === 0 ? emptyRoot : subtree(leaves, 0, leaves.length);
}

/** The sibling hashes from leaf `index` up to the root: PATH(m, D[n]). */
export function inclusionProof(leaves: readonly string[], index: number): string[] {
  if (!(index >= 0 && index < leaves.length)) throw outOfRange('leaf', index, leaves.length - 1);
  return path(leaves, index, 0, leaves.length);
}

/** What proves that the first `oldSize` leaves are a prefix of all leaves: PROOF(m, D[n]). Empty for 0 and for all. */
export function consistencyProof(leaves: readonly string[], oldSize: number): string[] {
  if (!(oldSize >= 0 && oldSize <= leaves.length)) throw outOfRange('size', oldSize, leaves.length);
  if (oldSize === 0 || oldSize === leaves.length) return [];
  return subproof(leaves, oldSize, 0, leaves.length, true);
}

function subtree(leaves: readonly string[], begin: number, end: number): string {
  if (end - begin === 1) return leaves[begin]!;
  const middle = begin + splitOf(end - begin);
  return hashNode(subtree(leaves, begin, middle), subtree(leaves, middle, end));
}

function path(leaves: readonly string[], index: number, begin: number, end: number): string[] {
  if (end - begin === 1) return [];
  const middle = begin + splitOf(end - begin);
  return index < middle
    ? [...path(leaves, index, begin, middle), subtree(leaves, middle, end)]
    : [...path(leaves, index, middle, end), subtree(leaves, begin, middle)];
}

/** `whole`: the old tree is exactly this subtree's left edge, so the verifier knows its root and needs no hash for it. */
function subproof(leaves: readonly string[], oldEnd: number, begin: number, end: number, whole: boolean): string[] {
  if (oldEnd === end) return whole ? [] : [subtree(leaves, begin, end)];
  const middle = begin + splitOf(end - begin);
  return oldEnd <= middle
    ? [...subproof(leaves, oldEnd, begin, middle, whole), subtree(leaves, middle, end)]
    : [...subproof(leaves, oldEnd, middle, end, false), subtree(leaves, begin, middle)];
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function outOfRange(what: string, value: number, max: number): LoomError {
  return new LoomError('invalid_request', `no ${what} ${value} in this log`, { where: what, allowed: `0 to ${max}` });
}
