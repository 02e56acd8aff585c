import { expect, test } from 'vitest';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import { lossSeries, summary } from './series.ts';

const point = (round: number, tokens: number, trainLoss: number | null, validationLoss: number | null): LossPoint => ({
  round,
  tokens,
  trainLoss,
  validationLoss,
  at: 0,
});
const losses = [point(0, 1000, 4.1, 5.5), point(1, 2000, 3.2, null), point(2, 3000, 2.9, 3.0)];
const baselines = { unigramLoss: 3.1, bigramLoss: 2.4 };

test('validation lies at its round’s start, training at its end', () => {
  const series = lossSeries(losses, null);
  expect(series.validation).toEqual([
    { tokens: 0, loss: 5.5 },
    { tokens: 2000, loss: 3 },
  ]);
  expect(series.training.map((at) => at.tokens)).toEqual([1000, 2000, 3000]);
  expect(series.end).toEqual({ tokens: 2000, loss: 3 });
});

test('the axes hold everything that is drawn', () => {
  const { xDomain, yDomain } = lossSeries(losses, baselines);
  expect(xDomain).toEqual([0, 3000]);
  expect(yDomain[0]).toBeLessThan(2.4);
  expect(yDomain[1]).toBeGreaterThan(5.5);
});

test('labels keep clear of the curve: below a mark that is not reached yet', () => {
  expect(lossSeries(losses, baselines).marks.map((mark) => mark.isLabelBelow)).toEqual([false, true]);
});

test('the value shown for a position is the last one measured by then', () => {
  const series = lossSeries(losses, null);
  expect([0, 1, 2].map((at) => series.validationAt(at))).toEqual([5.5, 3, 3]);
  expect(series.trainingAt(-1)).toBeNull();
});

test('an empty chart has axes and says so', () => {
  const series = lossSeries([], null);
  expect(series.xDomain[1]).toBeGreaterThan(series.xDomain[0]);
  expect(series.yDomain[1]).toBeGreaterThan(5.5);
  expect(summary(series)).toBe('Loss curve: no round is closed yet.');
});

test('the curve in words', () => {
  expect(summary(lossSeries(losses, baselines))).toBe(
    'Loss went from 5.50 to 3.00 nats per byte over 2,000 tokens. For comparison: counting letters 3.10, counting pairs 2.40.',
  );
});
