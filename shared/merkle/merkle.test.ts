// Vectors: the eight-leaf tree of the Certificate Transparency reference implementation (google/certificate-transparency,
// merkle_tree_test), which RFC 9162 keeps compatible with.

import { expect, test } from 'vitest';
import { fromHex } from '../bytes.ts';
import { append, emptyFrontier, frontierRoot } from './frontier.ts';
import { emptyRoot, hashLeaf } from './hash.ts';
import { consistencyProof, inclusionProof, rootOf } from './tree.ts';
import { verifyConsistency, verifyInclusion } from './verify.ts';

const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  emptyRoot,
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const vector = inputs.map((input) => hashLeaf(fromHex(input)));
const leaves = Array.from({ length: 20 }, (_, index) => hashLeaf(Uint8Array.of(index)));

test('roots are those of the reference implementation', () => {
  expect(roots.map((_, size) => rootOf(vector.slice(0, size)))).toEqual(roots);
});

test('the frontier has the same root at every size and survives JSON', () => {
  let frontier = emptyFrontier;
  for (let size = 0; size <= leaves.length; size++) {
    expect(frontierRoot(frontier)).toBe(rootOf(leaves.slice(0, size)));
    frontier = JSON.parse(
      JSON.stringify(append(frontier, leaves[size] ?? hashLeaf(Uint8Array.of()))),
    ) as typeof frontier;
  }
});

test('inclusion proofs are those of the reference implementation', () => {
  expect(inclusionProof(vector, 0)).toEqual([
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]);
  expect(inclusionProof(vector, 5)).toEqual([
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
});

test('consistency proofs are those of the reference implementation', () => {
  expect(consistencyProof(vector, 1)).toEqual(inclusionProof(vector, 0));
  expect(consistencyProof(vector, 6)).toEqual([
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
  expect(consistencyProof(vector.slice(0, 5), 2)).toEqual([
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ]);
});

const foreign = hashLeaf(Uint8Array.of(99));

test('every leaf of every tree is proven, and nothing else is', () => {
  for (let size = 1; size <= leaves.length; size++) {
    const tree = leaves.slice(0, size);
    const root = rootOf(tree);
    for (let index = 0; index < size; index++) {
      const claim = { leaf: tree[index]!, index, size, root, proof: inclusionProof(tree, index) };
      expect(verifyInclusion(claim)).toBe(true);
      const forged = [
        { ...claim, leaf: foreign },
        { ...claim, index: size },
        { ...claim, proof: [...claim.proof, root] },
        ...claim.proof.map((_, at) => ({ ...claim, proof: claim.proof.toSpliced(at, 1) })),
        ...tree.map((_, other) => ({ ...claim, index: other })).filter((_, other) => other !== index),
      ];
      expect(forged.some(verifyInclusion)).toBe(false);
    }
  }
});

test('every tree is consistent with every earlier one, and with nothing else', () => {
  for (let newSize = 0; newSize <= leaves.length; newSize++) {
    const newRoot = rootOf(leaves.slice(0, newSize));
    for (let oldSize = 0; oldSize <= newSize; oldSize++) {
      const oldRoot = rootOf(leaves.slice(0, oldSize));
      const claim = { oldSize, oldRoot, newSize, newRoot, proof: consistencyProof(leaves.slice(0, newSize), oldSize) };
      expect(verifyConsistency(claim)).toBe(true);
      const forged = [
        { ...claim, oldRoot: foreign },
        { ...claim, proof: [...claim.proof, newRoot] },
        ...claim.proof.map((_, at) => ({ ...claim, proof: claim.proof.toSpliced(at, 1) })),
        ...(oldSize > 0 ? [{ ...claim, newRoot: foreign }] : []), // an empty log is a prefix of any
      ];
      expect(forged.some(verifyConsistency)).toBe(false);
    }
  }
});

test('malformed proofs are false, not errors', () => {
  const claim = { leaf: vector[0]!, index: 0, size: 8, root: roots[8]!, proof: inclusionProof(vector, 0) };
  expect(verifyInclusion({ ...claim, proof: ['not a hash'] })).toBe(false);
  expect(verifyInclusion({ ...claim, index: -1 })).toBe(false);
  expect(verifyInclusion({ ...claim, size: 1.5 })).toBe(false);
  expect(verifyConsistency({ oldSize: 9, oldRoot: roots[8]!, newSize: 8, newRoot: roots[8]!, proof: [] })).toBe(false);
  expect(verifyConsistency({ oldSize: 3, oldRoot: roots[3]!, newSize: 8, newRoot: roots[8]!, proof: [] })).toBe(false);
});

test('proofs outside the log are refused', () => {
  expect(() => inclusionProof(vector, 8)).toThrow(/no leaf 8/);
  expect(() => consistencyProof(vector, 9)).toThrow(/no size 9/);
});
