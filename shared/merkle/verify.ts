// Checking proofs without the log, RFC 9162 sections 2.1.3.2 and 2.1.4.2. The page and the CLI run this against a root they
// trust. Nothing throws: what does not verify, however malformed, is false.

import { emptyRoot, hashNode } from './hash.ts';

export interface Inclusion {
  leaf: string; // leaf hash
  index: number;
  size: number; // leaves in the tree of `root`
  root: string;
  proof: readonly string[];
}

export interface Consistency {
  oldSize: number;
  oldRoot: string;
  newSize: number;
  newRoot: string;
  proof: readonly string[];
}

/** Whether `leaf` is number `index` of the `size` leaves under `root`. */
export function verifyInclusion({ leaf, index, size, root, proof }: Inclusion): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || ![leaf, root, ...proof].every(isHash)) return false;
  const climb = new Climb(index, size - 1);
  let hash = leaf;
  for (const sibling of proof) {
    if (climb.isRoot) return false;
    hash = climb.step() === 'left' ? hashNode(sibling, hash) : hashNode(hash, sibling);
  }
  return climb.isRoot && hash === root;
}

/** Whether the log with `oldRoot` was only appended to until it had `newRoot`. */
export function verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof }: Consistency): boolean {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize || ![oldRoot, newRoot, ...proof].every(isHash))
    return false;
  if (oldSize === newSize) return proof.length === 0 && oldRoot === newRoot;
  if (oldSize === 0) return proof.length === 0 && oldRoot === emptyRoot;
  const [first, ...rest] = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  const climb = new Climb(oldSize - 1, newSize - 1);
  climb.skipRight();
  let [oldHash, newHash] = [first, first];
  for (const sibling of rest) {
    if (climb.isRoot) return false;
    const side = climb.step();
    if (side === 'left') oldHash = hashNode(sibling, oldHash);
    newHash = side === 'left' ? hashNode(sibling, newHash) : hashNode(newHash, sibling);
  }
  return climb.isRoot && oldHash === oldRoot && newHash === newRoot;
}

/** The walk from a node to the root: `fn` and `sn` of the RFC. */
class Climb {
  private node: number;
  private last: number; // index of the rightmost node on this level

  constructor(node: number, last: number) {
    this.node = node;
    this.last = last;
  }

  get isRoot(): boolean {
    return this.last === 0;
  }

  /** Goes up to the next node that has a sibling's hash in the proof, and says on which side that sibling is. */
  step(): 'left' | 'right' {
    const isRightEdge = this.node === this.last;
    const side = this.node % 2 === 1 || isRightEdge ? 'left' : 'right';
    if (isRightEdge) while (this.node % 2 === 0 && this.node !== 0) this.up(); // a right edge without sibling is carried up
    this.up();
    return side;
  }

  /** Goes up while the node is a right child: the old tree's last perfect subtree. */
  skipRight(): void {
    while (this.node % 2 === 1) this.up();
  }

  private up(): void {
    this.node = Math.floor(this.node / 2);
    this.last = Math.floor(this.last / 2);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
