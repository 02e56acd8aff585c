import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { compare, isSameShard, unlike } from './compare.ts';
import { isCopy, withoutCopies } from './copies.ts';

const random = createRandom(7);
const shard = Float32Array.from({ length: 2000 }, () => random.normal());
const other = Float32Array.from({ length: 2000 }, () => random.normal());
const near = (share: number): Float32Array => shard.map((value, i) => value + share * other[i]!);

test('rounding passes; another shard, another sign, another length and nothing do not', () => {
  expect(isSameShard(compare(near(0.01), shard))).toBe(true);
  expect(isSameShard(compare(shard, shard))).toBe(true);
  for (const lie of [
    other,
    near(0.5),
    shard.map((value) => -value),
    shard.map((value) => 1.5 * value),
    new Float32Array(2000),
  ])
    expect(isSameShard(compare(lie, shard))).toBe(false);
});

test('what is not finite is like nothing; two zeros are alike', () => {
  expect(compare(shard.with(3, NaN), shard)).toEqual(unlike);
  expect(compare(shard, shard.with(3, Infinity))).toEqual(unlike);
  expect(compare(new Float32Array(4), new Float32Array(4))).toEqual({ cosine: 1, error: 0 });
});

test('a copy with a little noise is a copy, a shard of the same job is not', () => {
  const noisy = shard.map((value) => value * 1.001);
  const half = shard.map((value, i) => (i % 2 === 0 ? value : other[i]!));
  expect(isCopy(shard, shard)).toBe(true);
  expect(isCopy(noisy, shard)).toBe(true);
  expect(isCopy(half, shard)).toBe(false);
  expect(isCopy(new Float32Array(9), new Float32Array(9))).toBe(false); // nothing said, nothing copied
  const contributions = [shard, other, noisy, half].map((difference) => ({ difference, tokens: 1 }));
  expect(withoutCopies(contributions)).toEqual([0, 1, 3].map((k) => contributions[k]));
});
