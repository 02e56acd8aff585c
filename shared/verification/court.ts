// The court of a job: what is known of each worker, which shards are being computed again, and how that ends. All of it pure: the
// room of a job and `npm run bench:attacks` feed it what workers say and carry out what it asks.

import { shuffled } from '../random.ts';
import type { Random } from '../random.ts';
import { isSameShard } from './compare.ts';
import type { Likeness } from './compare.ts';
import { auditorsOf, drawAudits } from './draw.ts';
import type { Subject } from './draw.ts';
import type { Ruling } from './gate.ts';
import {
  acquitted,
  banned,
  credence,
  disbelieved,
  doubted,
  gated,
  isUrgent,
  passed,
  quarantined,
  struck,
  suspected,
  unknownStanding,
  unresolved,
  vindicated,
} from './standing.ts';
import type { Standing } from './standing.ts';
import type { WorkerRecord } from './reputation.ts';
import { callJury, juryCost, leadThatSettles, verdictOf, withoutVoter } from './trial.ts';
import type { Bench, Order, Shard, Trial } from './trial.ts';

export interface Court {
  readonly standings: Readonly<Record<string, Standing>>;
  readonly trials: readonly Trial[];
  readonly credit: number; // shards that may be computed again by now; negative after a jury
  readonly computedAgain: number; // shards
  readonly computed: number;
}

export const newCourt: Court = { standings: {}, trials: [], credit: 0, computedAgain: 0, computed: 0 };

/** Rounds after which the state that a shard began from is gone, and with it the trial. */
export const stateHistory = 5;
/** A jury is not larger, however large the swarm. */
const maxVoters = 25;
/** Part of the checkers that may be kept from training in one round. */
const benchShare = 0.5;

export function standingOf(court: Court, workerId: string): Standing {
  return court.standings[workerId] ?? unknownStanding;
}

export function isGood(court: Court, workerId: string): boolean {
  return standingOf(court, workerId).state === 'good';
}

/** A worker that nobody here knows yet starts with what other jobs found; one whose ban was lifted starts anew. */
export function introduced(court: Court, workerId: string, { valid, isPardoned }: WorkerRecord): Court {
  const isBanned = standingOf(court, workerId).state === 'banned';
  const isKnown = court.standings[workerId] !== undefined;
  if (isBanned ? !isPardoned : isKnown || valid === 0) return court;
  return change(court, workerId, () => ({ ...unknownStanding, valid, audits: valid }));
}

/** What a court draws on in one round. */
export interface Means {
  readonly shards: readonly Shard[]; // of the round before
  readonly checkers: readonly string[]; // ready, and in good standing
  readonly share: number; // of all work that may be done again
  readonly random: Random;
}

/**
 * What is computed again in `round`: shards that juries are asked about, and of the round before as many as there is credit
 * for, with the juries that they may need. So it stays within its share; on credit are only jurors who differ outvoted, and those
 * convicted that have lied before.
 */
export function convene(court: Court, round: number, means: Means): { court: Court; orders: Order[] } {
  const { shards, checkers, share, random } = means;
  let next = firstSeen({ ...withoutLapsed(court, round), computed: court.computed + shards.length }, shards);
  for (const trial of next.trials) if (trial.voters > 0) next = recount(next, trial, checkers);
  const mostAudits = 2 * share * shards.length + 1;
  const credit = Math.min(next.credit + share * shards.length, mostAudits * (1 + leadThatSettles));
  const bench = { order: liarsLast(court, shuffled(checkers, random)), size: Math.ceil(checkers.length * benchShare) };
  const orders: Order[] = [];
  next = callJuries({ ...next, credit }, bench, orders);
  const budget = auditsFor(next, credit - orders.length, shards, bench);
  next = callAuditors(next, round, { ...means, budget: Math.min(budget, mostAudits) }, bench, orders);
  const computedAgain = next.computedAgain + orders.length;
  return { court: { ...next, credit: credit - orders.length, computedAgain }, orders };
}

/** Whoever has spoken falsely is asked when nobody else is left, if its own work is ever so good. */
function liarsLast(court: Court, ids: readonly string[]): string[] {
  return [...ids.filter((id) => !hasLied(court, id)), ...ids.filter((id) => hasLied(court, id))];
}

function hasLied(court: Court, id: string): boolean {
  return standingOf(court, id).strikes > 0;
}

/** Nobody has the state any more that their shards began from: whoever was on trial is looked at again. */
function withoutLapsed(court: Court, round: number): Court {
  const isOld = ({ shard }: Trial): boolean => round - shard.round >= stateHistory;
  const subjects = court.trials.filter(isOld).map(({ shard }) => shard.workerId);
  const trials = court.trials.filter((trial) => !isOld(trial));
  return subjects.reduce<Court>((next, id) => change(next, id, suspected), { ...court, trials });
}

/** Audits that are paid for with the juries they may need; those of workers in doubt need credit for a single juror. */
function auditsFor(court: Court, credit: number, shards: readonly Shard[], bench: Bench): number {
  const paid = credit / (1 + juryCost(bench));
  const urgent = untriedOf(court, shards).filter(({ workerId }) => isUrgent(standingOf(court, workerId)));
  return Math.max(paid, Math.min(urgent.length, credit / 2));
}

/** What may be audited: of a banned worker nothing needs to be known any more. */
function untriedOf(court: Court, shards: readonly Shard[]): Shard[] {
  const isTried = (id: string): boolean => court.trials.some(({ shard }) => shard.workerId === id);
  return shards.filter(({ workerId: id }) => standingOf(court, id).state !== 'banned' && !isTried(id));
}

/** The oldest trial first. */
function callJuries(court: Court, bench: Bench, orders: Order[]): Court {
  const trials = court.trials.map((trial) => {
    const affordable = Math.floor(court.credit - orders.length);
    return callJury(trial, { bench, orders, hasLied: hasLied(court, trial.shard.workerId), affordable });
  });
  return { ...court, trials };
}

function callAuditors(
  court: Court,
  round: number,
  { shards, checkers, random, budget }: Means & { budget: number },
  bench: Bench,
  orders: Order[],
): Court {
  const busy = new Set(orders.map(({ checker }) => checker));
  const idle = bench.order.filter((id) => !busy.has(id)).slice(0, Math.max(0, bench.size - busy.size));
  const isAnyKnown = bench.order.some((id) => credence(standingOf(court, id)) > 0);
  const subjects = untriedOf(court, shards).map(({ workerId }) => subjectOf(court, workerId));
  let next = court;
  let free = idle.map((id) => subjectOf(court, id));
  for (const subject of drawAudits(subjects, { round, budget, random })) {
    const auditors = auditorsOf(subjectOf(court, subject), free, isAnyKnown);
    if (auditors.length === 0) continue;
    free = free.filter(({ workerId }) => !auditors.includes(workerId));
    const shard = shards.find(({ workerId }) => workerId === subject)!;
    const jury = shuffled(checkers, random).filter((id) => id !== subject && !auditors.includes(id));
    const votes = Object.fromEntries(auditors.map((id) => [id, null]));
    const trial: Trial = { shard, votes, voters: 0, parties: [], jury };
    next = change({ ...next, trials: [...next.trials, trial] }, subject, (was) => ({ ...was, lookedAt: round }));
    for (const checker of auditors) orders.push({ checker, shard });
  }
  return next;
}

function subjectOf(court: Court, workerId: string): Subject {
  return { workerId, standing: standingOf(court, workerId) };
}

/** From here on it is known how long a worker has waited for its audit. */
function firstSeen(court: Court, shards: readonly Shard[]): Court {
  const seen = (was: Standing, round: number): Standing =>
    (was.lookedAt ?? null) === null ? { ...unknownStanding, ...was, lookedAt: round } : was;
  return shards.reduce((next, { workerId, round }) => change(next, workerId, (was) => seen(was, round)), court);
}

/** Jurors that lost their good name or left will not vote: fewer may be enough. */
function recount(court: Court, { shard: { hash } }: Trial, checkers: readonly string[]): Court {
  const trial = court.trials.find(({ shard }) => shard.hash === hash);
  if (trial === undefined) return court;
  const jury = trial.jury.filter((id) => trial.votes[id] !== undefined || checkers.includes(id));
  const silent = jury.filter((id) => trial.votes[id] === undefined).length;
  return settle(court, trial, { ...trial, jury, voters: Object.keys(trial.votes).length + silent }, true);
}

/** A checker says how like the shard is to what it computed; null if it could not. Unasked for, it changes nothing. */
export function testified(court: Court, checker: string, hash: string, likeness: Likeness | null): Court {
  const trial = court.trials.find(({ shard, votes }) => shard.hash === hash && votes[checker] === null);
  if (trial === undefined) return court;
  const isDisputed = trial.voters > 0;
  if (likeness === null) {
    const without = withoutVoter(trial, checker);
    return isDisputed ? dropBaseless(replace(court, trial, without)) : passWhenAudited(court, trial, without);
  }
  const isSame = isSameShard(likeness);
  const voted = { ...trial, votes: { ...trial.votes, [checker]: isSame } };
  if (isDisputed) return settle(court, trial, voted, false);
  return isSame ? passWhenAudited(court, trial, voted) : accuse(court, trial, voted, checker);
}

/** All auditors that could compute it again found the shard right. */
function passWhenAudited(court: Court, trial: Trial, voted: Trial): Court {
  const auditors = Object.keys(voted.votes);
  if (auditors.length === 0) return dropBaseless(replace(court, trial, voted));
  if (Object.values(voted.votes).includes(null)) return replace(court, trial, voted);
  return change(replace(court, trial, null), trial.shard.workerId, (was) => passed(was, auditors));
}

/**
 * The accuser and the accused have spoken; now others are asked, first whoever audits the shard as well, and so many that liars who
 * stick together cannot have an honest worker banned. Of two nobody can tell who is right.
 */
function accuse(court: Court, trial: Trial, voted: Trial, accuser: string): Court {
  const { workerId, round } = trial.shard;
  const others = Object.keys(voted.votes).filter((id) => id !== accuser);
  const jury = [...others, ...trial.jury].slice(0, maxVoters - 2);
  if (jury.length === 0) return change(replace(court, trial, null), workerId, (was) => ({ ...was, valid: 0 }));
  const votes = { ...voted.votes, [workerId]: true };
  const disputed = { ...voted, jury, parties: [accuser, workerId], votes, voters: jury.length + 2 };
  const reason = `another worker computed its shard of round ${round} again and got something else`;
  return change(replace(court, trial, disputed), workerId, (was) => quarantined(was, reason));
}

function settle(court: Court, trial: Trial, voted: Trial, isOver: boolean): Court {
  const majority = verdictOf(voted, hasLied(court, voted.shard.workerId), isOver);
  if (majority === null) return replace(court, trial, voted);
  const { workerId, round } = trial.shard;
  const closed = replace(court, trial, null);
  let next = majority.verdict ? acquit(closed, voted, majority.outvoted) : convict(closed, voted.shard);
  const reason = `what it said of the shard of ${workerId} in round ${round} is not what most others found`;
  for (const id of majority.outvoted) if (id !== workerId) next = strike(next, id, reason);
  return next;
}

function acquit(court: Court, { shard: { workerId }, votes }: Trial, outvoted: readonly string[]): Court {
  const jurors = Object.keys(votes).filter((id) => id !== workerId && votes[id] === true);
  const next = change(court, workerId, (was) => acquitted(was, jurors));
  return outvoted.reduce((after, id) => change(after, id, (was) => disbelieved(was, workerId)), next);
}

function convict(court: Court, { workerId, round }: Shard): Court {
  return ban(court, workerId, `most workers that computed its shard of round ${round} again got something else`);
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

/** Its word was false, so what it found before is not believed either. */
function strike(court: Court, workerId: string, reason: string): Court {
  const next = change(court, workerId, (was) => struck(was, reason));
  const { state, reason: why } = standingOf(next, workerId);
  return state === 'banned' ? ban(next, workerId, why) : withoutWordOf(next, workerId);
}

/** It votes in no trial any more, and whoever accused it before was right. */
export function ban(court: Court, workerId: string, reason: string): Court {
  const gone = change(court, workerId, (was) => banned(was, reason));
  const next = everybody(withoutWordOf(gone, workerId), (was) => vindicated(was, workerId));
  const trials = next.trials
    .filter(({ shard }) => shard.workerId !== workerId)
    .map((trial) => withoutVoter(trial, workerId));
  return dropBaseless({ ...next, trials });
}

/** Those it vouched for are checked again. */
function withoutWordOf(court: Court, workerId: string): Court {
  return everybody(court, (was) => doubted(was, workerId));
}

function everybody(court: Court, how: (was: Standing) => Standing): Court {
  return Object.keys(court.standings).reduce((next, id) => change(next, id, how), court);
}

/** A trial ends without anyone who accuses or was asked. */
function dropBaseless(court: Court): Court {
  const isBaseless = ({ votes }: Trial): boolean => !Object.values(votes).some((vote) => vote !== true);
  const accused = court.trials.filter(isBaseless).map(({ shard }) => shard.workerId);
  const next = { ...court, trials: court.trials.filter((trial) => !isBaseless(trial)) };
  return accused.reduce<Court>((after, id) => change(after, id, unresolved), next);
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
