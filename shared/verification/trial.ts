// One disputed shard: who is asked to compute it again, in which order, and when enough have said the same.

import { majorityOf } from './jury.ts';
import type { Votes } from './jury.ts';

/** A contribution that somebody may compute again. */
export interface Shard {
  readonly round: number;
  readonly workerId: string;
  readonly hash: string; // of its payload
  readonly slot: number;
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
}

/** A shard under audit. One that an auditor disputes goes to a jury. */
export interface Trial {
  readonly shard: Shard;
  readonly votes: Votes; // true = the shard is right
  readonly voters: number; // who may vote, once it is disputed; 0 before
  readonly parties: readonly string[]; // the accuser and the accused, once it is disputed
  readonly jury: readonly string[]; // who may be asked
}

/** Who may be asked in a round. */
export interface Bench {
  readonly order: readonly string[];
  readonly size: number; // of those that may be kept from training
}

/** Someone whose word counts is asked to compute a shard again. */
export interface Order {
  readonly checker: string;
  readonly shard: Shard;
}

/**
 * By so many jurors one side has to be more than the other: even of liars who are 40% of a swarm so many are hardly ever drawn in a
 * row. Against one who has lied before a single one is enough.
 */
export const leadThatSettles = 6;
/** Orders that a trial may take before they are paid for: of one who has lied before, and where jurors differ. */
const onCredit = { ofLiar: 2, ofDiffering: 12 };

/**
 * What the jury says, and who said otherwise; null while neither side leads far enough, nor has more than half of everyone.
 * @param hasLied whether the accused has spoken falsely before
 * @param isOver everyone asked has had the time to answer: before, those that answer first could settle it among themselves, and
 * what the others say would go unseen
 */
export function verdictOf(trial: Trial, hasLied: boolean, isOver: boolean): ReturnType<typeof majorityOf> {
  const { votes, voters } = trial;
  if (!isOver && Object.values(votes).includes(null)) return null;
  if (missingLead(trial, hasLied) > 0) return majorityOf(votes, voters);
  const verdict = leadOf(trial) > 0;
  return { verdict, outvoted: Object.keys(votes).filter((id) => votes[id] === !verdict) };
}

/** What those that have spoken, beside the parties, say. */
function saidBy({ votes, parties }: Trial): boolean[] {
  return Object.entries(votes).flatMap(([id, vote]) => (vote === null || parties.includes(id) ? [] : [vote]));
}

/** By how many jurors those that find the shard right are more than the others. */
function leadOf(trial: Trial): number {
  return saidBy(trial).reduce((sum, vote) => sum + (vote ? 1 : -1), 0);
}

function missingLead(trial: Trial, hasLied: boolean): number {
  const lead = leadOf(trial);
  return hasLied && lead <= 0 ? 1 + lead : leadThatSettles - Math.abs(lead);
}

/**
 * Asks as many jurors as settle it when they agree, and all when they differ; rather those that are busy already. Whoever has not
 * answered by the next round is not waited for, as the trial has but few.
 * @param orders gets one for each juror asked
 * @param affordable orders, at most, while nobody differs
 */
export function callJury(
  trial: Trial,
  { bench, orders, hasLied, affordable }: { bench: Bench; orders: Order[]; hasLied: boolean; affordable: number },
): Trial {
  const { voters, votes, jury, shard } = trial;
  if (voters === 0) return trial;
  const able = bench.order.filter((id) => jury.includes(id) && votes[id] === undefined);
  const busy = new Set(orders.map(({ checker }) => checker));
  const [known, fresh] = [able.filter((id) => busy.has(id)), able.filter((id) => !busy.has(id))];
  const reachable = [...known, ...fresh.slice(0, Math.max(0, bench.size - busy.size))];
  const asked = reachable.slice(0, Math.max(0, jurorsWanted(trial, hasLied, affordable)));
  for (const checker of asked) orders.push({ checker, shard });
  if (asked.length === 0) return trial;
  return { ...trial, votes: { ...votes, ...Object.fromEntries(asked.map((id) => [id, null])) } };
}

function jurorsWanted(trial: Trial, hasLied: boolean, affordable: number): number {
  if (!hasLied && new Set(saidBy(trial)).size > 1) return affordable + onCredit.ofDiffering;
  const pending = Object.values(trial.votes).filter((vote) => vote === null).length;
  const most = hasLied ? Math.max(affordable, onCredit.ofLiar) : affordable;
  return Math.min(most, missingLead(trial, hasLied) - pending);
}

/** What a jury of those on the bench takes, all of one mind. */
export function juryCost({ order }: Bench): number {
  return Math.max(0, Math.min(order.length - 2, leadThatSettles));
}

export function withoutVoter(trial: Trial, id: string): Trial {
  const { [id]: vote, ...votes } = trial.votes;
  if (vote === undefined && !trial.jury.includes(id)) return trial;
  return { ...trial, votes, voters: Math.max(0, trial.voters - 1), jury: trial.jury.filter((other) => other !== id) };
}
