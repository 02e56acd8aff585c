// The token-weighted mean: what all-reduce computes, and best when nobody lies. One liar moves it anywhere.

import type { Difference } from './rule.ts';

/** Summed in float32 in list order, each product rounded by itself. */
export function mean(contributions: readonly Difference[]): Float32Array {
  const total = contributions.reduce((sum, { tokens }) => sum + tokens, 0);
  const sum = new Float32Array(contributions[0]!.difference.length);
  for (const { difference, tokens } of contributions) {
    const weight = Math.fround(tokens / total);
    // The explicit rounding keeps each product in float32, as a fused multiply-add would not.
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + Math.fround(weight * difference[i]!);
  }
  return sum;
}
