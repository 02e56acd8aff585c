import { expect, test } from 'vitest';
import { watchThrottling } from './throttle.ts';

test('only delays of a hidden page count, and only longer ones are reported', () => {
  let now = 0;
  let isHidden = false;
  let tick = () => {};
  const reports: number[] = [];
  watchThrottling(
    () => isHidden,
    { now: () => now, every: (callback) => void (tick = callback) },
    (delay) => reports.push(delay),
  );
  const pass = (ms: number) => {
    now += ms;
    tick();
  };
  pass(9000); // visible: a busy page, not a throttled one
  isHidden = true;
  pass(1000);
  pass(61_000);
  pass(31_000);
  isHidden = false;
  pass(91_000); // hidden until just now: this delay began while hidden
  pass(9000);
  expect(reports).toEqual([60_000, 90_000]);
});
