import { expect, test } from 'vitest';
import { WorkerMomentum } from './worker-momentum.ts';

const of = (value: number): Float32Array => Float32Array.of(value);

test('it sends the running mean of its differences, the newest weighing most', () => {
  const momentum = new WorkerMomentum(0.5);
  expect(momentum.smooth(of(4))).toEqual(of(4));
  momentum.settle();
  expect(momentum.smooth(of(1))).toEqual(of(2)); // (0.25 * 4 + 0.5 * 1) / 0.75
  momentum.settle();
  expect(momentum.smooth(of(9))).toEqual(of(6)); // (0.125 * 4 + 0.25 * 1 + 0.5 * 9) / 0.875
});

test('a round trained twice counts once, with what was sent last', () => {
  const momentum = new WorkerMomentum(0.5);
  momentum.smooth(of(100));
  momentum.smooth(of(4));
  momentum.settle();
  momentum.settle();
  expect(momentum.smooth(of(1))).toEqual(of(2));
});

test('after a restore it begins anew; without decay it sends differences as they are', () => {
  const momentum = new WorkerMomentum(0.9);
  momentum.smooth(of(4));
  momentum.settle();
  momentum.clear();
  expect(momentum.smooth(of(7))).toEqual(of(7));
  const difference = of(3);
  expect(new WorkerMomentum(0).smooth(difference)).toBe(difference);
});
