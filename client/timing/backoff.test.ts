import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('doubles up to the ceiling and never goes over it', () => {
  const highest = (attempt: number) => backoffMs(attempt, () => 1, 250, 15_000);
  expect([0, 1, 2, 3].map(highest)).toEqual([250, 500, 1000, 2000]);
  expect(highest(6)).toBe(15_000);
  expect(highest(5000)).toBe(15_000);
});

test('spreads over the upper half', () => {
  expect(backoffMs(0, () => 0)).toBe(125);
  expect(backoffMs(0, () => 0.5)).toBe(187.5);
});
