// The court of a job: what is known of each worker, which shards are being computed again, and how that ends. All of it pure: the
// room of a job and `npm run bench:attacks` feed it what workers say and carry out what it asks.

import type { Random } from '../random.ts';
import { isSameShard } from './compare.ts';
import type { Likeness } from './compare.ts';
import { drawAudits, shuffled } from './draw.ts';
import type { Ruling } from './gate.ts';
import { majorityOf } from './jury.ts';
import type { Votes } from './jury.ts';
import { acquitted, banned, doubted, gated, passed, quarantined, struck, unknownStanding } from './standing.ts';
import type { Standing } from './standing.ts';

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
  readonly jury: readonly string[]; // in the order in which they are asked
  readonly askedAt: number; // round in which someone was asked last
}

export interface Court {
  readonly standings: Readonly<Record<string, Standing>>;
  readonly trials: readonly Trial[];
  readonly credit: number; // shards that may be computed again by now; negative after a jury
  readonly computedAgain: number; // shards
  readonly computed: number;
}

export const newCourt: Court = { standings: {}, trials: [], credit: 0, computedAgain: 0, computed: 0 };

/** Rounds after which the state that a shard began from is gone, and with it the trial. */
export const stateHistory = 4;
/** A jury is not larger, however large the swarm. */
const maxVoters = 25;
/** So many jurors who all say the same settle it: even of liars who are 40% of a swarm so many are hardly ever drawn in a row. */
const unanimousJury = 6;
/** Part of the checkers that may be kept from training in one round. */
const benchShare = 0.5;
/** Whoever has not answered by then does not vote. */
const patienceRounds = 2;

export function standingOf(court: Court, workerId: string): Standing {
  return court.standings[workerId] ?? unknownStanding;
}

export function isGood(court: Court, workerId: string): boolean {
  return standingOf(court, workerId).state === 'good';
}

/** Someone whose word counts is asked to compute a shard again. */
export interface Order {
  readonly checker: string;
  readonly shard: Shard;
}

/**
 * What is computed again in `round`: shards of the round before, by chance and doubt, and those that juries are asked about.
 * @param shards of the round before
 * @param checkers ready, and in good standing
 * @param share of all work that may go into this
 */
export function convene(
  court: Court,
  round: number,
  {
    shards,
    checkers,
    share,
    random,
  }: { shards: readonly Shard[]; checkers: readonly string[]; share: number; random: Random },
): { court: Court; orders: Order[] } {
  const credit = court.credit + share * shards.length;
  const trials = court.trials.filter((trial) => round - trial.shard.round < stateHistory);
  let next: Court = { ...court, trials, credit, computed: court.computed + shards.length };
  for (const trial of trials) if (trial.voters > 0) next = recount(next, trial, checkers);
  const orders: Order[] = [];
  const bench = { order: shuffled(checkers, random), size: Math.ceil(checkers.length * benchShare) };
  const first = (trial: Trial): number => enoughJurors(next, trial).toConvict;
  next = { ...next, trials: next.trials.map((trial) => callJury(trial, round, first(trial), bench, orders)) };
  const busy = new Set(orders.map(({ checker }) => checker));
  const free = bench.order.filter((id) => !busy.has(id)).slice(0, Math.max(0, bench.size - busy.size));
  const subjects = shards.map(({ workerId }) => ({ workerId, standing: standingOf(next, workerId) }));
  const untried = subjects.filter(({ workerId }) => !next.trials.some(({ shard }) => shard.workerId === workerId));
  const pairs = credit <= 0 ? [] : drawAudits(untried, free, Math.min(credit, 2 * share * shards.length + 1), random);
  for (const { subject, checker } of pairs) {
    const shard = shards.find(({ workerId }) => workerId === subject)!;
    const jury = shuffled(
      checkers.filter((id) => id !== subject && id !== checker),
      random,
    );
    const trial: Trial = { shard, votes: { [checker]: null }, voters: 0, parties: [], jury, askedAt: round };
    next = { ...next, trials: [...next.trials, trial] };
    orders.push({ checker, shard });
  }
  const computedAgain = next.computedAgain + orders.length;
  return { court: { ...next, credit: credit - orders.length, computedAgain }, orders };
}

/** Jurors that lost their good name or left will not vote: fewer may be enough. */
function recount(court: Court, { shard: { hash } }: Trial, checkers: readonly string[]): Court {
  const trial = court.trials.find(({ shard }) => shard.hash === hash);
  if (trial === undefined) return court;
  const jury = trial.jury.filter((id) => trial.votes[id] !== undefined || checkers.includes(id));
  const silent = jury.filter((id) => trial.votes[id] === undefined).length;
  return settle(court, trial, { ...trial, jury, voters: Object.keys(trial.votes).length + silent });
}

/** Who may be kept from training in a round, and how many of them. */
interface Bench {
  readonly order: readonly string[];
  readonly size: number;
}

/** Asks `first` jurors, and all others when these differ; rather those that are busy already. */
function callJury(trial: Trial, round: number, first: number, bench: Bench, orders: Order[]): Trial {
  const { voters, votes, jury, shard, askedAt, parties } = trial;
  const isWaiting = Object.values(votes).includes(null) && round - askedAt < patienceRounds;
  if (voters === 0 || isWaiting) return trial;
  const isFirst = Object.keys(votes).every((id) => parties.includes(id));
  const able = bench.order.filter((id) => jury.includes(id) && votes[id] === undefined);
  const busy = new Set(orders.map(({ checker }) => checker));
  const [known, fresh] = [able.filter((id) => busy.has(id)), able.filter((id) => !busy.has(id))];
  const asked = [...known, ...fresh.slice(0, Math.max(0, bench.size - busy.size))].slice(
    0,
    isFirst ? first : jury.length,
  );
  for (const checker of asked) orders.push({ checker, shard });
  return { ...trial, votes: { ...votes, ...Object.fromEntries(asked.map((id) => [id, null])) }, askedAt: round };
}

/** A checker says how like the shard is to what it computed; null if it could not. Unasked for, it changes nothing. */
export function testified(court: Court, checker: string, hash: string, likeness: Likeness | null): Court {
  const trial = court.trials.find(({ shard, votes }) => shard.hash === hash && votes[checker] === null);
  if (trial === undefined) return court;
  if (likeness === null) return dropBaseless(replace(court, trial, withoutVoter(trial, checker)));
  const voted = { ...trial, votes: { ...trial.votes, [checker]: isSameShard(likeness) } };
  if (voted.voters > 0) return settle(court, trial, voted);
  const { workerId, round } = trial.shard;
  if (isSameShard(likeness)) return change(replace(court, trial, null), workerId, (was) => passed(was, checker));
  return accuse(
    court,
    trial,
    voted,
    `another worker computed its shard of round ${round} again and got something else`,
  );
}

/**
 * The accuser and the accused have spoken; now others are asked, so many that liars who stick together cannot have an honest
 * worker banned. Of two nobody can tell who is right.
 */
function accuse(court: Court, trial: Trial, voted: Trial, reason: string): Court {
  const { workerId } = trial.shard;
  const jury = trial.jury.slice(0, maxVoters - 2);
  if (jury.length === 0) return change(replace(court, trial, null), workerId, (was) => ({ ...was, valid: 0 }));
  const parties = [...Object.keys(voted.votes), workerId];
  const disputed = { ...voted, jury, parties, votes: { ...voted.votes, [workerId]: true }, voters: jury.length + 2 };
  return change(replace(court, trial, disputed), workerId, (was) => quarantined(was, reason));
}

function settle(court: Court, trial: Trial, voted: Trial): Court {
  const majority = unanimityOf(voted, enoughJurors(court, trial)) ?? majorityOf(voted.votes, voted.voters);
  if (majority === null) return replace(court, trial, voted);
  const { workerId, round } = trial.shard;
  let next = replace(court, trial, null);
  const about = `the shard of ${workerId} in round ${round}`;
  if (majority.verdict) next = change(next, workerId, acquitted);
  else next = ban(next, workerId, `most workers that computed its shard of round ${round} again got something else`);
  const outvoted = majority.outvoted.filter((id) => id !== workerId);
  for (const id of outvoted) next = strike(next, id, `what it said of ${about} is not what most others found`);
  return next;
}

/** Jurors that settle it when they all say the same. One may convict who was found lying by most before; it cannot acquit. */
function enoughJurors(court: Court, { shard }: Trial): { toConvict: number; toAcquit: number } {
  const hasLied = standingOf(court, shard.workerId).strikes > 0;
  return { toConvict: hasLied ? 1 : unanimousJury, toAcquit: unanimousJury };
}

function unanimityOf(
  { votes, parties }: Trial,
  enough: ReturnType<typeof enoughJurors>,
): ReturnType<typeof majorityOf> {
  const said = Object.entries(votes).filter(([id, vote]) => vote !== null && !parties.includes(id));
  const [first] = said;
  if (first === undefined || said.some(([, vote]) => vote !== first[1])) return null;
  if (said.length < (first[1] ? enough.toAcquit : enough.toConvict)) return null;
  const outvoted = parties.filter((id) => votes[id] === !first[1]);
  return { verdict: first[1]!, outvoted };
}

/** What the loss gate found about contributions and about those who measured them. */
export function gateRuled(court: Court, { verdicts, liars, broken }: Ruling): Court {
  let next = court;
  for (const { workerId, finding } of verdicts) {
    if (finding !== 'unjudged') next = change(next, workerId, (was) => gated(was, finding === 'useful'));
  }
  for (const id of liars)
    next = strike(next, id, 'the loss it measured on held-out text is not what most others measured');
  for (const id of broken) next = ban(next, id, 'it sent a payload that does not decode to finite numbers');
  return next;
}

function strike(court: Court, workerId: string, reason: string): Court {
  const next = change(court, workerId, (was) => struck(was, reason));
  return standingOf(next, workerId).state === 'banned' ? ban(next, workerId, standingOf(next, workerId).reason) : next;
}

/** Those it vouched for are checked again, and it votes in no trial any more. */
export function ban(court: Court, workerId: string, reason: string): Court {
  const next = change(court, workerId, (was) => banned(was, reason));
  const standings = Object.fromEntries(Object.entries(next.standings).map(([id, was]) => [id, doubted(was, workerId)]));
  const trials = next.trials
    .filter(({ shard }) => shard.workerId !== workerId)
    .map((trial) => withoutVoter(trial, workerId));
  return dropBaseless({ ...next, standings, trials });
}

function withoutVoter(trial: Trial, id: string): Trial {
  const { [id]: vote, ...votes } = trial.votes;
  if (vote === undefined && !trial.jury.includes(id)) return trial;
  return { ...trial, votes, voters: Math.max(0, trial.voters - 1), jury: trial.jury.filter((other) => other !== id) };
}

/** A trial ends without anyone who accuses or was asked. */
function dropBaseless(court: Court): Court {
  const isBaseless = ({ votes }: Trial): boolean => !Object.values(votes).some((vote) => vote !== true);
  const accused = court.trials.filter(isBaseless).map(({ shard }) => shard.workerId);
  const next = { ...court, trials: court.trials.filter((trial) => !isBaseless(trial)) };
  return accused.reduce<Court>((after, id) => change(after, id, acquitted), next);
}

function change(court: Court, workerId: string, how: (was: Standing) => Standing): Court {
  const was = standingOf(court, workerId);
  const next = how(was);
  return next === was ? court : { ...court, standings: { ...court.standings, [workerId]: next } };
}

function replace(court: Court, trial: Trial, by: Trial | null): Court {
  const trials = court.trials.flatMap((other) => (other === trial ? (by === null ? [] : [by]) : [other]));
  return { ...court, trials };
}

/** A worker whose standing is another than before, for the ledger and for the worker itself. */
export interface Sentence {
  readonly workerId: string;
  readonly state: Standing['state'];
  readonly reason: string;
}

export function sentencesBetween(before: Court, after: Court): Sentence[] {
  return Object.entries(after.standings).flatMap(([workerId, { state, reason }]) =>
    standingOf(before, workerId).state === state ? [] : [{ workerId, state, reason }],
  );
}
