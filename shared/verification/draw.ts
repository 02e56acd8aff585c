// Who checks whom: drawn by chance that nobody knows before all have committed, so that a liar can neither choose its judge nor
// behave only when it is looked at.

import { shuffled } from '../random.ts';
import type { Random } from '../random.ts';
import { auditChance, auditProbability, isUrgent, waited } from './standing.ts';
import type { Standing } from './standing.ts';

export interface Subject {
  readonly workerId: string;
  readonly standing: Standing;
}

export interface Pair {
  readonly subject: string;
  readonly checker: string;
}

/** One audit in so many goes to anyone of those drawn, so that nobody can tell from others' audits when its own turn is. */
const surpriseEvery = 5;

/**
 * Pairs for the next audits: the budget goes round, to those that have waited longest for their audit or whose work was
 * refused. No worker is in two pairs as checker, none checks itself.
 * @param round the audits are ordered in
 * @param budget most pairs
 */
export function drawAudits(
  subjects: readonly Subject[],
  checkers: readonly string[],
  { round, budget, random }: { round: number; budget: number; random: Random },
): Pair[] {
  const drawn = subjects.filter(({ standing }) => random.uniform() < auditChance(standing, round));
  const ranked = shuffled(drawn, random).toSorted((a, b) => urgency(b.standing, round) - urgency(a.standing, round));
  const free = shuffled(checkers, random);
  const pairs: Pair[] = [];
  while (pairs.length < Math.floor(budget) && ranked.length > 0) {
    const next = random.below(surpriseEvery) === 0 ? random.below(ranked.length) : 0;
    const [{ workerId }] = ranked.splice(next, 1) as [Subject];
    const place = free.findIndex((checker) => checker !== workerId);
    if (place >= 0) pairs.push({ subject: workerId, checker: free.splice(place, 1)[0]! });
  }
  return pairs;
}

/** The accused before all others, whoever has passed no audit before those that have; then by time and doubt. */
function urgency(standing: Standing, round: number): number {
  const tier = isUrgent(standing) ? 1e9 : standing.audits === 0 ? 1e6 : 0;
  return tier + auditProbability(standing) * waited(standing, round) * (1 + standing.suspicion);
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
