import { expect, test } from 'vitest';
import { centeredClipping } from './centered-clipping.ts';
import { geometricMedian } from './geometric-median.ts';
import { krum, multiKrum } from './krum.ts';
import { mean } from './mean.ts';
import type { Rule } from './rule.ts';
import { coordinateMedian, trimmedMean } from './trimmed-mean.ts';
import { combine, lowerMedian } from './vectors.ts';

// Small examples worked out by hand.

const of = (rule: Rule, ...rows: number[][]): number[] => [
  ...rule(rows.map((row) => ({ difference: Float32Array.from(row), tokens: 1 }))),
];

test('mean', () => {
  expect(of(mean, [1, 2], [3, -2])).toEqual([2, 0]);
});

test('coordinate median: odd, and even with the mean of the middle two', () => {
  expect(of(coordinateMedian, [1, 9], [2, -5], [30, 7])).toEqual([2, 7]);
  expect(of(coordinateMedian, [1], [2], [5], [100])).toEqual([3.5]);
});

test('trimmed mean leaves out a part at either end, rounded up, and never everything', () => {
  expect(of(trimmedMean(0.2), [-50], [1], [2], [6], [1000])).toEqual([3]);
  expect(of(trimmedMean(0.01), [-50], [1], [2], [6], [1000])).toEqual([3]);
  expect(of(trimmedMean(0), [1], [2], [6])).toEqual([3]);
  expect(of(trimmedMean(0.49), [1], [2], [60])).toEqual([2]);
});

test('Krum returns the contribution with the closest neighbours', () => {
  // n = 5, f = 1: two neighbours each. Squared distances of 1 to 0 and 3 are 1 and 4; of 0 to 1 and 3 are 1 and 9.
  expect(of(krum(0.2), [0], [1], [3], [50], [60])).toEqual([1]);
  expect(of(krum(0.2), [7, 7])).toEqual([7, 7]);
  expect(of(krum(0.2), [1], [9])).toEqual([1]); // equal scores: the first
});

test('multi-Krum averages all but the suspected', () => {
  expect(of(multiKrum(0.2), [50], [0], [1], [2], [3])).toEqual([1.5]);
});

test('the geometric median on a line is the median, and of a cross its centre', () => {
  expect(of(geometricMedian, [0], [1], [1000])[0]).toBeCloseTo(1, 2);
  const [x, y] = of(geometricMedian, [1, 0], [-1, 0], [0, 9], [0, -1]);
  expect(Math.hypot(x!, y!)).toBeLessThan(0.01);
});

test('centered clipping: one step by hand', () => {
  // From 0 the distances are 1, 2, 100, so the radius is 2 and the centre (1 + 2 + 2) / 3 = 5/3. From there they are 2/3,
  // 1/3 and 295/3: radius 2/3, centre 5/3 + (-2/3 + 1/3 + 2/3) / 3 = 16/9; then 7/9, 2/9, …: radius 7/9, centre
  // 16/9 + (-7/9 + 2/9 + 7/9) / 3 = 50/27.
  expect(of(centeredClipping(1), [1], [2], [100])[0]).toBeCloseTo(50 / 27, 6);
});

test('combine rounds each element once, over block borders too', () => {
  const long = Float32Array.from({ length: 5000 }, (_, i) => i / 7);
  const result = combine([long, long, long], [0.5, 0.25, 0]);
  for (const i of [0, 2047, 2048, 4999]) expect(result[i]).toBe(Math.fround(0.75 * long[i]!));
  expect(combine([Float32Array.of(NaN), Float32Array.of(2)], [0, 1])).toEqual(Float32Array.of(2));
});

test('the lower median', () => {
  expect([lowerMedian([3, 1, 2]), lowerMedian([4, 1, 3, 2]), lowerMedian([10, 9])]).toEqual([2, 2, 9]);
});
