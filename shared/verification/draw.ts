// Who checks whom: drawn by chance that nobody knows before all have committed, so that a liar can neither choose its judge nor
// behave only when it is looked at.

import { shuffled } from '../random.ts';
import type { Random } from '../random.ts';
import { auditChance, auditProbability, credence, isUrgent, waited } from './standing.ts';
import type { Standing } from './standing.ts';

export interface Subject {
  readonly workerId: string;
  readonly standing: Standing;
}

export interface Pair {
  readonly subject: string;
  readonly checker: string;
}

/** Auditors of one shard where none of them is known, and while nobody is. */
const unknownAuditors = 2;
const firstAuditors = 4;
/** One audit in so many goes to anyone of those drawn, so that nobody can tell from others' audits when its own turn is. */
const surpriseEvery = 5;

/**
 * Whose work is audited next: the budget goes round, to those that have waited longest for their audit or whose work was refused.
 * @param round the audits are ordered in
 * @param budget audits, at most
 */
export function drawAudits(
  subjects: readonly Subject[],
  { round, budget, random }: { round: number; budget: number; random: Random },
): string[] {
  const drawn = subjects.filter(({ standing }) => random.uniform() < auditChance(standing, round));
  const ranked = shuffled(drawn, random).toSorted((a, b) => urgency(b.standing, round) - urgency(a.standing, round));
  const chosen: string[] = [];
  while (chosen.length < Math.floor(budget) && ranked.length > 0) {
    const next = random.below(surpriseEvery) === 0 ? random.below(ranked.length) : 0;
    chosen.push(ranked.splice(next, 1)[0]!.workerId);
  }
  return chosen;
}

/** The accused before all others, whoever has passed no audit before those that have; then by time and doubt. */
function urgency(standing: Standing, round: number): number {
  const tier = isUrgent(standing) ? 1e9 : standing.audits === 0 ? 1e6 : 0;
  return tier + auditProbability(standing) * waited(standing, round) * (1 + standing.suspicion);
}

/**
 * Who computes a shard again: rather those whose own work was found right, rather not those that have vouched for its author before.
 * One that nobody knows yet is not believed alone: two are asked, and several while nobody is known at all, as whatever is
 * believed later goes back to what they say.
 * @param free to choose from, in an order drawn by chance
 * @param isAnyKnown whether anybody's work was found right yet
 * @returns nobody, where nobody else is free
 */
export function auditorsOf(subject: Subject, free: readonly Subject[], isAnyKnown: boolean): string[] {
  const isFresh = ({ workerId }: Subject): number => (subject.standing.vouchers.includes(workerId) ? 0 : 1);
  const worth = (one: Subject): number => 2 * credence(one.standing) + isFresh(one);
  const ranked = free.filter(({ workerId }) => workerId !== subject.workerId).toSorted((a, b) => worth(b) - worth(a));
  const isKnown = ranked[0] !== undefined && credence(ranked[0].standing) > 0;
  const count = isKnown ? 1 : isAnyKnown ? unknownAuditors : firstAuditors;
  return ranked.slice(0, count).map(({ workerId }) => workerId);
}

/**
 * Gives each subject `each` checkers and each checker as many subjects as any other, give or take one or two; no two subjects the
 * same checkers where there are others, so that a pair that sticks together decides about one.
 */
export function drawJudges(
  subjects: readonly string[],
  checkers: readonly string[],
  each: number,
  random: Random,
): Pair[] {
  const order = shuffled(checkers, random);
  const taken = new Set<string>();
  return shuffled(subjects, random).flatMap((subject, first) => {
    const able = order.map((_, step) => order[(first + step) % order.length]!).filter((id) => id !== subject);
    const chosen = able.slice(0, each - 1);
    const nameOf = (last: string): string => [...chosen, last].toSorted().join(' ');
    const others = able.slice(each - 1);
    const last = others.find((id) => !taken.has(nameOf(id))) ?? others[0];
    if (last !== undefined) taken.add(nameOf(last));
    return [...chosen, ...(last === undefined ? [] : [last])].map((checker) => ({ subject, checker }));
  });
}
