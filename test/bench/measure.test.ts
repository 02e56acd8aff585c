import { expect, test } from 'vitest';
import { measure, summarize } from './measure.ts';
import type { Work } from './work.ts';

const sleep = (ms: number): Work => ({
  run: () => new Promise((resolve) => setTimeout(resolve, ms)),
  finish: async () => {},
});

test('median, middle half and number of turns', () => {
  expect(summarize([5, 1, 3, 2, 100])).toEqual({ seconds: 3, spread: 1, turns: 5 });
  expect(summarize([2])).toEqual({ seconds: 2, spread: 0, turns: 1 });
});

test('slower work measures slower, whatever fits a turn', async () => {
  const patience = { turnSeconds: 0.03, turns: 3, rowSeconds: 1 };
  const [fast, slow] = await measure([sleep(1), sleep(20)], patience);
  expect(fast!.turns).toBe(3);
  expect(slow!.seconds).toBeGreaterThan(0.015);
  expect(fast!.seconds).toBeLessThan(slow!.seconds);
});
