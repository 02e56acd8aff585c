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

/** How much a worker's word counts, and whether it has lied before. */
export interface Witness {
  readonly words: number;
  readonly hasLied: boolean;
}

type WitnessOf = (workerId: string) => Witness;

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
 * Words of one side, the party's own included, that settle a trial where all jurors say the same: even of liars who are 40% of
 * a swarm so many are hardly ever drawn in a row. Of one who has lied before a single juror is believed.
 */
export const wordsThatSettle = 7;
/** Orders that a trial may take before they are paid for, where the accused has lied before. */
const onCredit = 2;

/**
 * What the jury says, and who said otherwise; null while neither all of enough nor more than half say the same.
 * @param isOver everyone asked has had the time to answer: before, those that answer first could settle it among themselves
 */
export function verdictOf(trial: Trial, witnessOf: WitnessOf, isOver: boolean): ReturnType<typeof majorityOf> {
  const { votes, voters } = trial;
  const side = sideOf(trial, witnessOf);
  const isPending = !isOver && Object.values(votes).includes(null);
  if (isPending || side === null || missingWords(trial, side, witnessOf) > 0) return majorityOf(votes, voters);
  return { verdict: side, outvoted: Object.keys(votes).filter((id) => votes[id] === !side) };
}

/** The side that may win without asking everybody: what all jurors say, or that the accused lied again; null if there is none. */
function sideOf(trial: Trial, witnessOf: WitnessOf): boolean | null {
  const said = jurorsOf(trial).map((id) => trial.votes[id]!);
  if (said.length === 0) return false;
  if (said.every((vote) => vote === said[0])) return said[0]!;
  return witnessOf(trial.shard.workerId).hasLied ? false : null;
}

/** Those that have spoken, beside the parties. */
function jurorsOf({ votes, parties }: Trial): string[] {
  return Object.keys(votes).filter((id) => (votes[id] ?? null) !== null && !parties.includes(id));
}

function missingWords(trial: Trial, side: boolean, witnessOf: WitnessOf): number {
  const { votes, shard } = trial;
  const jurors = jurorsOf(trial);
  const wordsOf = (ids: string[]): number => ids.reduce((sum, id) => sum + witnessOf(id).words, 0);
  const spoken = wordsOf(Object.keys(votes).filter((id) => votes[id] === side));
  if (side || !witnessOf(shard.workerId).hasLied) return wordsThatSettle - spoken;
  const against = wordsOf(jurors.filter((id) => votes[id] === true));
  const hasJuror = jurors.some((id) => votes[id] === false);
  return Math.max(hasJuror ? 0 : 1, 1 + against - spoken);
}

/**
 * Asks as many jurors as settle it when they agree, and all when they differ; rather those that are busy already. Whoever has not
 * answered by the next round is not waited for, as the trial has but few.
 * @param orders gets one for each juror asked
 * @param affordable orders, at most, while nobody differs
 */
export function callJury(
  trial: Trial,
  { bench, orders, witnessOf, affordable }: { bench: Bench; orders: Order[]; witnessOf: WitnessOf; affordable: number },
): Trial {
  const { voters, votes, jury, shard } = trial;
  if (voters === 0) return trial;
  const side = sideOf(trial, witnessOf);
  const able = bench.order.filter((id) => jury.includes(id) && votes[id] === undefined);
  const busy = new Set(orders.map(({ checker }) => checker));
  const [known, fresh] = [able.filter((id) => busy.has(id)), able.filter((id) => !busy.has(id))];
  const reachable = [...known, ...fresh.slice(0, Math.max(0, bench.size - busy.size))];
  const missing = side === null ? Infinity : missingWords(trial, side, witnessOf);
  const most = side === null ? jury.length : Math.max(affordable, witnessOf(shard.workerId).hasLied ? onCredit : 0);
  const asked = enough(reachable, missing, witnessOf).slice(0, most);
  for (const checker of asked) orders.push({ checker, shard });
  if (asked.length === 0) return trial;
  return { ...trial, votes: { ...votes, ...Object.fromEntries(asked.map((id) => [id, null])) } };
}

/** What a jury of those on the bench takes, all of one mind. */
export function juryCost({ order }: Bench, witnessOf: WitnessOf): number {
  return enough(order.slice(2), wordsThatSettle - 1, witnessOf).length;
}

/** The first of them whose words together are so many. */
function enough(ids: readonly string[], words: number, witnessOf: WitnessOf): string[] {
  let sum = 0;
  return ids.filter((id) => {
    const isNeeded = sum < words;
    sum += witnessOf(id).words;
    return isNeeded;
  });
}

export function withoutVoter(trial: Trial, id: string): Trial {
  const { [id]: vote, ...votes } = trial.votes;
  if (vote === undefined && !trial.jury.includes(id)) return trial;
  return { ...trial, votes, voters: Math.max(0, trial.voters - 1), jury: trial.jury.filter((other) => other !== id) };
}
