import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { checkKernel } from '../testing/check.ts';
import { counterUniform } from './counter-random.ts';
import { drawToken } from './sample.reference.ts';
import type { Sampling } from './sample.ts';
import { sampleKernel, samplingSettings } from './sample.ts';

const vocabulary = 203;
const random = createRandom(5);
const logits = Array.from({ length: vocabulary }, () => 3 * random.normal());

function check(sampling: Sampling, values: readonly number[] = logits, drawn = 7): Promise<void> {
  const settings = { shape: [4], dtype: 'u32', data: samplingSettings(sampling) } as const;
  return checkKernel({
    kernel: sampleKernel,
    inputs: [{ shape: [1, values.length], data: values }, settings],
    before: [{ shape: [4], dtype: 'u32', data: [9, 41, drawn, 0] }],
    tolerance: 0,
  });
}

test('each row of logits has its own settings and cursor', { timeout: 60_000 }, async () => {
  const rows = [logits, logits.map((x) => -x), logits.toReversed()];
  const settings = rows.flatMap((_, i) => [
    ...samplingSettings({ temperature: i / 2, topK: 9 * i, topP: 0.9, seed: i }),
  ]);
  await checkKernel({
    kernel: sampleKernel,
    inputs: [
      { shape: [3, vocabulary], data: rows.flat() },
      { shape: [12], dtype: 'u32', data: settings },
    ],
    before: [{ shape: [12], dtype: 'u32', data: [9, 41, 3, 0, 8, 2, 7, 0, 1, 5, 4, 0] }],
    tolerance: 0,
  });
});

test('every device draws the token of the reference', { timeout: 120_000 }, async () => {
  await check({ temperature: 0, topK: 0, topP: 1, seed: 1 });
  for (const seed of [1, 2, 3]) await check({ temperature: 1, topK: 0, topP: 1, seed });
  for (const seed of [4, 5]) await check({ temperature: 0.7, topK: 20, topP: 1, seed });
  for (const seed of [6, 7]) await check({ temperature: 1.5, topK: 0, topP: 0.8, seed });
  for (const seed of [8, 0xffffffff]) await check({ temperature: 1.5, topK: 50, topP: 0.5, seed });
});

test('missing and infinite logits', { timeout: 120_000 }, async () => {
  const sampling = { temperature: 1, topK: 2, topP: 0.9, seed: 3 };
  await check(sampling, [NaN, 1, -Infinity, 2, NaN]);
  await check(sampling, [NaN, NaN]);
  await check(sampling, [0, Infinity, 3]);
  await check(sampling, [-Infinity, -Infinity, -4]);
});

/** How often each token of some logits is drawn, by counters in turn. */
function shares(values: readonly number[], options: Omit<Sampling, 'seed'>): number[] {
  const counts = values.map(() => 0);
  const draws = 20_000;
  for (let i = 0; i < draws; i++) counts[drawToken(values, options, counterUniform(77, i))]!++;
  return counts.map((count) => count / draws);
}

test('tokens come as often as softmax says, and only those that top-k and top-p leave', () => {
  const five = [0, 2, 1, -50, 2.5];
  const weights = [4, 5, 2].map((doubled) => Math.exp(doubled));
  const total = weights[0]! + weights[1]! + weights[2]!;
  const kept = shares(five, { temperature: 0.5, topK: 3, topP: 1 });
  expect([kept[0], kept[3]]).toEqual([0, 0]);
  expect(kept[1]).toBeCloseTo(weights[0]! / total, 1);
  expect(kept[4]).toBeCloseTo(weights[1]! / total, 1);
  expect(kept[2]).toBeCloseTo(weights[2]! / total, 1);
  const likely = shares([Math.log(0.5), Math.log(0.3), Math.log(0.2)], { temperature: 1, topK: 0, topP: 0.6 });
  expect(likely[0]).toBeCloseTo(0.625, 1); // 0.5 alone is not 0.6, 0.5 and 0.3 are
  expect(likely[2]).toBe(0);
});

test('tokens with equal logits stay or go together', () => {
  expect(shares([1, 1, 0], { temperature: 1, topK: 1, topP: 1 }).map((share) => share > 0)).toEqual([
    true,
    true,
    false,
  ]);
});
