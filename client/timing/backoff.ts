// How long to wait before trying again. The only place in the client where retries are paced.

/**
 * Milliseconds to wait before attempt `attempt` + 1, counted from 0: doubling from `firstMs` to `maxMs`, of which the upper
 * half is random, so that a thousand workers that lost the same coordinator do not come back in step.
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, random: () => number, firstMs = 250, maxMs = 15_000): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}
