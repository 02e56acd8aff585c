// Bucketing (Karimireddy et al., arXiv 2006.09365): average random groups of contributions before a rule sees them. The
// groups differ less than workers with different data do, so that a robust rule keeps what only a few of them say. A liar
// spoils its whole group: `size` times as large a part of what the rule sees may lie.

import { createRandom, shuffled } from '../random.ts';
import { vectorsOf } from './rule.ts';
import type { Difference, Rule } from './rule.ts';
import { average } from './vectors.ts';

/** The rule applied to means of `size` contributions each, grouped anew every round; the last group may be smaller. */
export function bucketed(rule: Rule, size: number, round: number): Rule {
  if (size === 1) return rule;
  return (contributions) => {
    const order = shuffled(contributions, createRandom(round, 0x6275636b)); // 'buck'
    const buckets: Difference[] = [];
    for (let start = 0; start < order.length; start += size) buckets.push(merge(order.slice(start, start + size)));
    return rule(buckets);
  };
}

function merge(bucket: readonly Difference[]): Difference {
  return { difference: average(vectorsOf(bucket)), tokens: bucket.reduce((sum, { tokens }) => sum + tokens, 0) };
}
