import { expect, test } from 'vitest';
import { dots, linePath, nearest, place, ticks } from './scale.ts';

test('places values in a range that runs downwards', () => {
  const y = { domain: [2, 6], range: [200, 0] } as const;
  expect([2, 4, 6].map((value) => place(y, value))).toEqual([200, 100, 0]);
});

test('a domain without extent does not divide by zero', () => {
  expect(place({ domain: [3, 3], range: [0, 100] }, 3)).toBe(0);
});

test('ticks are round and lie inside', () => {
  expect(ticks(0, 310_240, 4)).toEqual([0, 100_000, 200_000, 300_000]);
  expect(ticks(2.13, 5.6, 4)).toEqual([3, 4, 5]);
  expect(ticks(2.1, 2.4, 3)).toEqual([2.1, 2.2, 2.3, 2.4]);
  expect(ticks(7, 7, 4)).toEqual([7]);
});

test('a path moves to its first point and draws lines to the others', () => {
  expect(
    linePath([
      [0, 1],
      [2.04, 3.06],
    ]),
  ).toBe('M0.0 1.0L2.0 3.1');
  expect(linePath([])).toBe('');
});

test('dots are strokes without length', () => {
  expect(
    dots([
      [1, 2],
      [3, 4],
    ]),
  ).toBe('M1.0 2.0h0M3.0 4.0h0');
});

test('the nearest of ascending values', () => {
  const values = [0, 10, 20, 40];
  expect([-5, 4, 16, 29, 31, 99].map((target) => nearest(values, target))).toEqual([0, 0, 2, 2, 3, 3]);
  expect(nearest([], 1)).toBe(-1);
});
