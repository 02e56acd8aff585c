import { expect, test } from 'vitest';
import { roundTimeMs } from './deadline.ts';
import { maxDeadlineMs, minDeadlineMs, settlingMs, unknownMs } from '../limits.ts';
import { innerStepsAt, learningRateAt, shareSteps, slotSeed } from './schedule.ts';
import { manifestWith } from '../testing/stage.ts';

test('steps are shared by speed, at least one each', () => {
  expect(shareSteps([10, 5, 1, 0.01], 20, Infinity)).toEqual([20, 10, 2, 1]);
});

test('a budget below what speeds allow is met exactly, in proportion', () => {
  for (let budget = 1; budget <= 33; budget++) {
    const steps = shareSteps([10, 5, 1, 0.01], 20, budget);
    expect(steps.reduce((a, b) => a + b)).toBe(budget);
    expect(steps.toSorted((a, b) => b - a)).toEqual(steps);
  }
  expect(shareSteps([10, 10], 20, 7)).toEqual([4, 3]);
});

test('no two slots of a job share a seed', () => {
  const seeds = new Set<number>();
  for (let round = 0; round < 200; round++) for (let slot = 0; slot < 100; slot++) seeds.add(slotSeed(7, round, slot));
  expect(seeds.size).toBe(20_000);
  expect(slotSeed(7, 0, 0)).not.toBe(slotSeed(8, 0, 0));
  expect([...seeds].every((seed) => seed === seed >>> 0)).toBe(true);
});

test('the learning rate is never zero and never above its peak', () => {
  const { optimizer } = manifestWith({ optimizer: { learningRate: 0.5, warmup: 0.1, decay: 0.3 } }).spec;
  const rates = Array.from({ length: 101 }, (_, percent) => learningRateAt(optimizer, percent / 100));
  expect(Math.min(...rates)).toBeCloseTo(0.005);
  expect(Math.max(...rates)).toBe(0.5);
  expect(rates[5]).toBeCloseTo(0.25);
  expect(rates[85]).toBeCloseTo(0.25);
});

test('without warm-up and decay the learning rate is constant', () => {
  const { optimizer } = manifestWith({ optimizer: { learningRate: 0.5, warmup: 0, decay: 0 } }).spec;
  expect([0, 0.5, 1].map((progress) => learningRateAt(optimizer, progress))).toEqual([0.5, 0.5, 0.5]);
});

test('the first rounds have time to compile; later ones as much as recent ones and their spread suggest', () => {
  expect(roundTimeMs([], 1000, 0)).toBe(settlingMs + 3000);
  expect(roundTimeMs([], 0, 0)).toBe(unknownMs);
  expect(roundTimeMs([9000, 10_000, 11_000], 0, 0)).toBe(15_000); // 1.5 x the median
  expect(roundTimeMs([10_000, 10_000, 14_000, 6000, 18_000], 0, 0)).toBe(26_000); // median + 4 x deviation
  expect(roundTimeMs([100, 100, 100], 0, 0)).toBe(minDeadlineMs);
  expect(roundTimeMs([1e7, 1e7, 1e7], 0, 0)).toBe(maxDeadlineMs);
});

test('steps that are known to take long get the time, and a second attempt gets twice as much', () => {
  expect(roundTimeMs([1000, 1000, 1000], 30_000, 0)).toBe(60_000);
  expect(roundTimeMs([10_000, 10_000, 10_000], 0, 1)).toBe(30_000);
  expect(roundTimeMs([1000, 1000, 1000], 1e6, 5)).toBe(4e6);
});

test('one slow outlier hardly moves the deadline', () => {
  const usual = [10_000, 10_100, 9900, 10_050];
  expect(roundTimeMs([...usual, 500_000], 0, 0)).toBeLessThan(16_000);
});

test('local steps grow over the warm-up to innerSteps', () => {
  const { rounds } = manifestWith({ rounds: { innerSteps: 32, warmup: { rounds: 5 } } }).spec;
  expect([0, 1, 2, 3, 4, 5, 6].map((round) => innerStepsAt(rounds, round))).toEqual([1, 2, 4, 8, 16, 32, 32]);
  expect(innerStepsAt({ ...rounds, warmup: undefined }, 0)).toBe(32);
});
