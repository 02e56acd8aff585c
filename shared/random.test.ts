import { expect, test } from 'vitest';
import { createRandom } from './random.ts';

test('the sequence of a seed never changes (values from a Python port)', () => {
  const random = createRandom(1);
  expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([733926236, 833510292, 2733314057]);
  expect(createRandom(1, 2, 3).uint32()).toBe(1552810129);
});

test('seed paths give different streams', () => {
  const first = [[0], [1], [0, 0], [0, 1], [1, 0]].map((path) => createRandom(...path).uint32());
  expect(new Set(first).size).toBe(first.length);
});

test('below covers its range evenly and never leaves it', () => {
  const random = createRandom(7);
  const counts = Array.from({ length: 6 }, () => 0);
  for (let i = 0; i < 60_000; i++) counts[random.below(6)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400); // 4 sigma
  expect(random.below(1)).toBe(0);
  expect(() => random.below(0)).toThrow(RangeError);
  expect(() => random.below(1.5)).toThrow(RangeError);
});

test('uniform and normal have the moments they promise', () => {
  const random = createRandom(3);
  const count = 200_000;
  let uniformSum = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    uniformSum += random.uniform();
    const z = random.normal();
    sum += z;
    squares += z * z;
  }
  expect(Math.abs(uniformSum / count - 0.5)).toBeLessThan(0.003);
  expect(Math.abs(sum / count)).toBeLessThan(0.01);
  expect(Math.abs(squares / count - 1)).toBeLessThan(0.02);
});
