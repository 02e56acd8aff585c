import { expect, test } from 'vitest';
import { progressOf, remainingMs } from './progress.ts';
import { Stage, w1 } from '../testing/stage.ts';

test('progress is the further of tokens and time', () => {
  const stage = new Stage({ min: 1, runtime: { maxTokens: 1600, maxDuration: '100s' } });
  expect(progressOf(stage.state, stage.now)).toBe(0);
  stage.start(w1).finishRound(0, w1);
  expect(progressOf(stage.state, stage.now)).toBe(0.1);
  expect(progressOf(stage.state, stage.now + 50_000)).toBe(0.5);
  expect(progressOf(stage.state, stage.now + 500_000)).toBe(1);
});

test('the end is estimated from the recent pace, or from the clock if that is sooner', () => {
  const stage = new Stage({ min: 1, runtime: { maxTokens: 1600, maxDuration: '100s' } }).start(w1);
  expect(remainingMs(stage.state, stage.now)).toBe(100_000);
  for (let round = 0; round < 3; round++) {
    stage.now += 5_000;
    stage.finishRound(round, w1);
  }
  expect(remainingMs(stage.state, stage.now)).toBe(35_000); // 1120 tokens at 160 in 5 s
  expect(remainingMs(stage.state, stage.now + 80_000)).toBe(5_000);
});

test('before the first round nothing is known of the end', () => {
  expect(remainingMs(new Stage().state, 0)).toBeNull();
});
