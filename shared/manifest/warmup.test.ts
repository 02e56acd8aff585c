import { expect, test } from 'vitest';
import { warmedUp } from './warmup.ts';

test('by equal factors, up or down, and level from the last round of the warm-up on', () => {
  const values = (first: number, last: number): number[] => [0, 1, 2, 3, 4, 9].map((r) => warmedUp(first, last, 3, r));
  for (const [i, expected] of [2, 4, 8, 16, 16, 16].entries()) {
    expect(values(2, 16)[i]).toBeCloseTo(expected, 4);
    expect(values(1 / 2, 1 / 16)[i]).toBeCloseTo(1 / expected, 4);
  }
  expect(values(2, 16)[0]).toBe(2);
  expect(values(2, 16)[3]).toBe(16);
});
