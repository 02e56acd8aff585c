import { expect, test, vi } from 'vitest';
import { startLoop } from './loop.ts';

const timers = {
  now: () => Date.now(),
  after(ms: number, callback: () => void) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

test('runs, pauses, and runs again; a nudge cuts the pause short, many nudges do no more', async () => {
  vi.useFakeTimers();
  const task = vi.fn<() => Promise<void>>(async () => {});
  const loop = startLoop(task, () => 5000, timers, 700);
  await vi.advanceTimersByTimeAsync(4999);
  expect(task).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(task).toHaveBeenCalledTimes(2);
  for (let i = 0; i < 20; i++) loop.nudge();
  await vi.advanceTimersByTimeAsync(699);
  expect(task).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(task).toHaveBeenCalledTimes(3);
  vi.useRealTimers();
});

test('a nudge during a run runs it once more, never at the same time', async () => {
  vi.useFakeTimers();
  let running = 0;
  let most = 0;
  const task = vi.fn<() => Promise<void>>(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    running--;
  });
  const loop = startLoop(task, () => 60_000, timers, 700);
  await vi.advanceTimersByTimeAsync(500);
  loop.nudge();
  await vi.advanceTimersByTimeAsync(1600);
  expect(task).toHaveBeenCalledTimes(2);
  expect(most).toBe(1);
  vi.useRealTimers();
});
