// The two hashes of an RFC 9162 Merkle tree (section 2.1.1). The first byte keeps a leaf from posing as a node. Hashes are
// lower-case hex everywhere in this folder, because that is how they are stored and sent.

import { concat, fromHex, sha256Hex } from '../bytes.ts';

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** SHA-256(0x00 ‖ data). */
export function hashLeaf(data: Uint8Array): string {
  return sha256Hex(concat(leafPrefix, data));
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function hashNode(left: string, right: string): string {
  return sha256Hex(concat(nodePrefix, fromHex(left), fromHex(right)));
}
