import { expect, test } from 'vitest';
import { toHex } from '../../../../shared/bytes.ts';
import { createRandom } from '../../../../shared/random.ts';
import { codecFor } from '../codec.ts';
import type { LevelBits } from './normal-levels.ts';

const square = [{ offset: 0, elements: 64 * 64, shape: [64, 64] }];
const lowRank = (rank: number, bits: LevelBits) => codecFor({ kind: 'low-rank', rank, bits }, square);

function noise(elements: number, seed = elements): Float32Array<ArrayBuffer> {
  const random = createRandom(seed);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

/** Part of the squared norm that is lost. */
function lost(difference: Float32Array, rank: number, bits: LevelBits): number {
  const codec = lowRank(rank, bits);
  const said = codec.decode(codec.encode(difference), difference.length);
  const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  return squares(difference.map((value, i) => value - said[i]!)) / squares(difference);
}

test('a product of two vectors comes through but for the quantising of both', () => {
  const [u, v] = [noise(64, 1), noise(64, 2)];
  const product = Float32Array.from({ length: 64 * 64 }, (_, at) => u[at >>> 6]! * v[at & 63]!);
  for (const [bits, limit] of [
    [1, 0.65],
    [2, 0.25],
    [3, 0.08],
    [4, 0.03],
  ] as const) {
    expect(lost(product, 1, bits)).toBeLessThan(limit);
  }
  expect(lost(product, 3, 4)).toBeLessThan(1e-3); // later pairs mend what quantising lost
});

test('each pair of vectors says more of any matrix', () => {
  const losses = [1, 2, 4, 8, 16].map((rank) => lost(noise(64 * 64), rank, 2));
  expect(losses.toSorted((a, b) => b - a)).toEqual(losses);
  expect(losses[0]).toBeLessThan(0.98);
  expect(losses[4]).toBeLessThan(0.6);
});

test('vectors, and matrices too small to gain, are sent as signs; padding is not sent', () => {
  const layout = [
    { offset: 0, elements: 4, shape: [4] },
    { offset: 64, elements: 6, shape: [2, 3] },
  ];
  const codec = codecFor({ kind: 'low-rank', rank: 1, bits: 2 }, layout);
  const difference = new Float32Array(128);
  difference.set([1, -2, 3, -2]);
  difference.set([0.5, -0.5, 0.5, 0.5, 0.5, -0.5], 64);
  const decoded = codec.decode(codec.encode(difference), 128);
  expect([...decoded.subarray(0, 5)]).toEqual([2, -2, 2, -2, 0]);
  expect(decoded.subarray(64)).toEqual(difference.subarray(64));
  expect(codec.maxBytes(128)).toBe(8 + Math.ceil((16 + 4 + 16 + 6) / 8));
});

test('size: rank * (16 + b (m + n)) bits a matrix, whatever its values', () => {
  for (const bits of [1, 2, 3, 4] as const) {
    const bytes = 8 + (3 * (16 + bits * 128)) / 8;
    expect(lowRank(3, bits).encode(noise(4096)).length).toBe(bytes);
    expect(lowRank(3, bits).encode(new Float32Array(4096)).length).toBe(bytes);
  }
});

test('zeros come back as zeros, and values of any size as finite ones', () => {
  const zeros = new Float32Array(4096);
  expect(
    lowRank(2, 2)
      .decode(lowRank(2, 2).encode(zeros), 4096)
      .every((value) => value === 0),
  ).toBe(true);
  const huge = noise(4096).map((value) => value * 1e38);
  expect(lowRank(2, 2).decode(lowRank(2, 2).encode(huge), 4096).every(Number.isFinite)).toBe(true);
});

test('golden payload: any change of the stream is a new version', () => {
  const layout = [{ offset: 0, elements: 144, shape: [12, 12] }];
  const codec = codecFor({ kind: 'low-rank', rank: 1, bits: 2 }, layout);
  // 3de1 = 0.11 = 0.25 / 1.51 / 1.51; the magnitude 1.51 is the second: codes 10 for +, 11 for -
  const alternating = Float32Array.from({ length: 144 }, (_, i) => (i % 2 === 0 ? 0.25 : -0.25));
  expect(toHex(codec.encode(alternating))).toBe('4c44010490000000e13daaaaaaeeeeee');
});
