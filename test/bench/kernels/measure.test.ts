import { expect, test } from 'vitest';
import { measure, summarize } from './measure.ts';
import type { Work } from './work.ts';

let clockMs = 0;
const lasting = (ms: number): Work => ({ run: () => void (clockMs += ms), finish: async () => {} });

test('median, middle half and number of turns', () => {
  expect(summarize([5, 1, 3, 2, 100])).toEqual({ seconds: 3, spread: 1, turns: 5 });
  expect(summarize([2])).toEqual({ seconds: 2, spread: 0, turns: 1 });
});

test('slower work measures slower, whatever fits a turn', async () => {
  const patience = { turnSeconds: 0.03, turns: 3, rowSeconds: 1 };
  const [fast, slow] = await measure([lasting(1), lasting(20)], patience, () => clockMs);
  expect([fast!.turns, slow!.turns]).toEqual([3, 3]);
  expect(fast!.seconds).toBeCloseTo(0.001);
  expect(slow!.seconds).toBeCloseTo(0.02);
});
