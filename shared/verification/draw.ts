// Who checks whom: drawn by chance that nobody knows before all have committed, so that a liar can neither choose its judge nor
// behave only when it is looked at.

import type { Random } from '../random.ts';
import { auditProbability } from './standing.ts';
import type { Standing } from './standing.ts';

export interface Subject {
  readonly workerId: string;
  readonly standing: Standing;
}

export interface Pair {
  readonly subject: string;
  readonly checker: string;
}

/**
 * Pairs for the next audits, the most doubtful subjects first and among equals those audited least. No worker is in two
 * pairs as checker, none checks itself.
 * @param budget most pairs; its fraction is the chance of one more
 */
export function drawAudits(
  subjects: readonly Subject[],
  checkers: readonly string[],
  budget: number,
  random: Random,
): Pair[] {
  const pairsAtMost = Math.floor(budget) + (random.uniform() < budget % 1 ? 1 : 0);
  const drawn = shuffled(subjects, random).filter(({ standing }) => random.uniform() < auditProbability(standing));
  const ranked = drawn.toSorted((a, b) => doubt(b.standing) - doubt(a.standing));
  const free = shuffled(checkers, random);
  const pairs: Pair[] = [];
  for (const { workerId } of ranked) {
    if (pairs.length >= pairsAtMost) break;
    const place = free.findIndex((checker) => checker !== workerId);
    if (place >= 0) pairs.push({ subject: workerId, checker: free.splice(place, 1)[0]! });
  }
  return pairs;
}

/** Quarantined and refused ones before newcomers, newcomers before those with more audits. */
function doubt({ state, suspicion, audits }: Standing): number {
  return (state === 'quarantined' ? 1000 : 0) + 100 * Math.min(3, suspicion) - audits;
}

/** Gives each subject `each` checkers and each checker as many subjects as any other, give or take one. */
export function drawJudges(
  subjects: readonly string[],
  checkers: readonly string[],
  each: number,
  random: Random,
): Pair[] {
  const order = shuffled(checkers, random);
  const pairs: Pair[] = [];
  let place = 0;
  for (const subject of shuffled(subjects, random)) {
    const others = order.filter((checker) => checker !== subject).length;
    const chosen = new Set<string>();
    while (chosen.size < Math.min(each, others)) {
      const checker = order[place++ % order.length]!;
      if (checker !== subject) chosen.add(checker);
    }
    for (const checker of chosen) pairs.push({ subject, checker });
  }
  return pairs;
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let left = order.length; left > 1; left--) {
    const chosen = random.below(left);
    [order[chosen], order[left - 1]] = [order[left - 1]!, order[chosen]!];
  }
  return order;
}
