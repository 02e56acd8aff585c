// When a round may close without its slowest: never a fixed timeout, but what recent rounds took and how much they vary.

import { median } from '../../median.ts';
import { maxDeadlineMs, minDeadlineMs, settlingMs, settlingRounds, unknownMs } from '../limits.ts';

/**
 * Milliseconds a round gets before its first deadline.
 * @param recentMs durations of the last rounds
 * @param expectedMs what its local steps should take at the workers' measured speeds
 * @param attempts how often this round was given up already; each one doubles the time
 */
export function roundTimeMs(recentMs: readonly number[], expectedMs: number, attempts: number): number {
  const timeMs = recentMs.length < settlingRounds ? firstTimeMs(expectedMs) : settledTimeMs(recentMs, expectedMs);
  const maxMs = Math.max(maxDeadlineMs, 4 * expectedMs);
  return Math.round(Math.min(maxMs, Math.max(minDeadlineMs, timeMs * 2 ** Math.min(attempts, 10))));
}

function firstTimeMs(expectedMs: number): number {
  return expectedMs === 0 ? unknownMs : settlingMs + 3 * expectedMs;
}

function settledTimeMs(recentMs: readonly number[], expectedMs: number): number {
  const middle = median(recentMs);
  const deviation = median(recentMs.map((durationMs) => Math.abs(durationMs - middle)));
  return Math.max(middle + 4 * deviation, 1.5 * middle, 2 * expectedMs);
}
