// Agreeing on the state a closed round leads to (for round 0: on the state the seed leads to). Every worker applies the
// round and reports a hash; the hash most of them report becomes the agreed one, and the others start over.

import { median } from '../../median.ts';
import type { RoomMessage, WorkerMessage } from '../../protocol/messages.ts';
import { createRandom } from '../../random.ts';
import { isGood, standingOf } from '../../verification/court.ts';
import { remind } from '../closing/collect.ts';
import {
  agreementLimitMs,
  maxAgreementGraceMs,
  maxResyncs,
  maxStateHashes,
  minAgreementGraceMs,
  startGraceMs,
  unconfirmedLimitMs,
} from '../limits.ts';
import { broadcast, change, changeMember, record, send, turnAway } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Agreement, Member, RoomState } from '../types.ts';
import { agreedHash, isActive, isUpToDate, isVerified } from '../views.ts';

type AppliedMessage = Extract<WorkerMessage, { type: 'applied' }>;

interface Tally {
  hash: string; // the leading one; '' while there is no report
  votes: number; // for it
  isWitnessed: boolean; // one drawn by chance from the most trusted has reported
  reports: number; // for any
  awaited: number; // active workers that should report soon, those that have included
  missing: number; // of these, how many have not
}

/** A worker says which state it holds now. */
export function applied(turn: Turn, id: string, { round, stateHash, traffic }: AppliedMessage): void {
  changeMember(turn, id, { traffic });
  const { holds } = turn.state.members[id]!;
  if (round < (holds?.round ?? 0)) return; // overtaken by a later report
  const agreed = agreedHash(turn.state, round);
  if (round > turn.state.round) return startOver(turn, id, `the job is at round ${turn.state.round}, not ${round}`);
  if (agreed !== null && agreed !== stateHash) return startOver(turn, id, `another state of round ${round} was agreed`);
  changeMember(turn, id, { holds: { round, stateHash }, stuck: false });
  if (holds?.round !== round && isUpToDate(turn.state, turn.state.members[id]!)) settleIn(turn, id);
}

/** A worker has caught up. */
function settleIn(turn: Turn, id: string): void {
  changeMember(turn, id, { resyncs: 0 });
  remind(turn, id);
}

/**
 * Its state is wrong: it begins again from the checkpoint and the log. If that leads it astray again, it is stuck until a
 * checkpoint of the agreed state itself is there; and if that does not help either, it cannot take part.
 */
function startOver(turn: Turn, id: string, reason: string): void {
  const { members, checkpoint, round } = turn.state;
  const { resyncs } = members[id]!;
  changeMember(turn, id, { holds: null });
  if (resyncs > 0 && checkpoint?.round !== round) return changeMember(turn, id, { stuck: true });
  changeMember(turn, id, { resyncs: resyncs + 1 });
  if (resyncs < maxResyncs) return resync(turn, id, reason);
  turnAway(turn, id, { code: 'forbidden', message: wrongTooOften });
}

export const wrongTooOften =
  "this worker's arithmetic differs from that of the others: its state is never the agreed one";

export function resync(turn: Turn, id: string, reason: string): void {
  changeMember(turn, id, { holds: null, stuck: false });
  send(turn, id, { type: 'resync', reason, ...catchUp(turn.state) });
}

type Welcome = Extract<RoomMessage, { type: 'welcome' }>;

/** What a worker needs to get to the state of the current round. */
export function catchUp(state: RoomState): Pick<Welcome, 'round' | 'stateHash' | 'checkpoint' | 'log'> {
  const { round, stateHash, checkpoint } = state;
  const log = state.log.map(({ credits: _, spent: __, ...closed }) => closed);
  return { round, stateHash, checkpoint, log };
}

/** Settles on a state hash when all have reported, or most have and the others had their time. */
export function agreeWhenReported(turn: Turn): void {
  const { state, now } = turn;
  const { agreement } = state;
  if (agreement === null || state.rejoining !== null) return;
  const tally = count(state);
  const hasQuorum = tally.reports >= neededReports(state) && (state.round === 0 || tally.votes > tally.awaited / 2);
  if (hasQuorum && agreement.quorumAt === null) change(turn, { agreement: { ...agreement, quorumAt: now } });
  if (isDecided(turn.state, tally, now)) settle(turn, tally);
}

/** When waiting for reports ends, as far as it is known. */
export function agreementDueAt(state: RoomState, { since, quorumAt }: Agreement): number {
  const dueAt = quorumAt === null ? since + agreementLimitMs : quorumAt + graceMs(state);
  return isVerified(state) && !count(state).isWitnessed ? Math.max(dueAt, since + unconfirmedLimitMs) : dueAt;
}

function isDecided(state: RoomState, tally: Tally, now: number): boolean {
  if (tally.reports < neededReports(state)) return false;
  if (isVerified(state) && !tally.isWitnessed && now < state.agreement!.since + unconfirmedLimitMs) return false;
  return tally.missing === 0 || now >= agreementDueAt(state, state.agreement!);
}

/** The initial state is agreed by the workers the job needs to start; any later one by whoever has it. */
function neededReports(state: RoomState): number {
  return state.round === 0 ? state.manifest.spec.resources.workers.min : 1;
}

function graceMs(state: RoomState): number {
  if (state.recentRoundMs.length === 0) return startGraceMs;
  const halfRoundMs = median(state.recentRoundMs) / 2;
  return Math.min(maxAgreementGraceMs, Math.max(minAgreementGraceMs, halfRoundMs));
}

function count(state: RoomState): Tally {
  const members = Object.values(state.members);
  const reports = members.filter((member) => member.holds?.round === state.round);
  const expected = members.filter((member) => isActive(member) && isAwaited(state, member));
  const useful = expected.filter(({ misses }) => misses === 0); // the others may be asleep
  const awaited = useful.length > 0 ? useful : expected;
  const missing = awaited.filter((member) => member.holds?.round !== state.round).length;
  const first = leading(state, reports);
  const witness = witnessOf(state, awaited);
  const isWitnessed = witness === null || witness.holds?.round === state.round;
  return { ...first, reports: reports.length, awaited: awaited.length, missing, isWitnessed };
}

/** It held the state before, so it should have this one soon; the initial state everyone makes for itself. */
function isAwaited(state: RoomState, { holds }: Member): boolean {
  return state.round === 0 || (holds !== null && holds.round >= state.round - 1);
}

/**
 * Whose word is needed before a state is agreed: drawn by the round from the most trusted half, so that a few who lie alike,
 * or many who have shown nothing yet, do not settle it among themselves. Null where nobody is left to ask.
 */
function witnessOf(state: RoomState, awaited: readonly Member[]): Member | null {
  const reporting = awaited.filter((member) => isGood(state.court, member.workerId));
  const trusted = reporting.toSorted((a, b) => weightOf(state, b) - weightOf(state, a));
  const half = trusted.slice(0, Math.ceil(trusted.length / 2));
  return half[createRandom(state.manifest.spec.seed, state.round, 0x317).below(Math.max(1, half.length))] ?? null;
}

/** What a worker's word counts: with verification by what it has shown, without it as much as any other's. */
function weightOf(state: RoomState, { workerId, roundsAccepted }: Member): number {
  if (!isVerified(state)) return 1;
  if (!isGood(state.court, workerId)) return 0;
  return 1 + Math.min(10, roundsAccepted) + 10 * Math.min(10, standingOf(state.court, workerId).valid);
}

/** The hash with most weight behind it; then the one whose reporters have more accepted rounds; then the smaller one. */
function leading(state: RoomState, reports: readonly Member[]): { hash: string; votes: number } {
  const hashes = [...new Set(reports.map((member) => member.holds!.stateHash))].toSorted();
  const ranked = hashes.map((hash) => {
    const voters = reports.filter((member) => member.holds!.stateHash === hash);
    const weight = voters.reduce((sum, member) => sum + weightOf(state, member), 0);
    return {
      hash,
      weight,
      votes: voters.length,
      standing: voters.reduce((sum, member) => sum + member.roundsAccepted, 0),
    };
  });
  const [first] = ranked.toSorted((a, b) => b.weight - a.weight || b.standing - a.standing);
  return first ?? { hash: '', votes: 0 };
}

function settle(turn: Turn, { hash: stateHash, votes, reports }: Tally): void {
  const { round, log, stateHashes } = turn.state;
  change(turn, { stateHash, agreement: null });
  if (round > 0) {
    const last = { ...log.at(-1)!, stateHash };
    change(turn, { log: [...log.slice(0, -1), last], stateHashes: [...stateHashes, stateHash].slice(-maxStateHashes) });
    record(turn, 'round.agreed', { round: round - 1, stateHash, reports, dissent: reports - votes });
  }
  broadcast(turn, { type: 'agreed', round, stateHash });
  for (const member of Object.values(turn.state.members)) judge(turn, member);
}

/** Those who reported this state are right; those who reported another start over, now or when they come back. */
function judge(turn: Turn, { workerId, holds, present }: Member): void {
  if (holds?.round !== turn.state.round) return;
  if (holds.stateHash === turn.state.stateHash) return changeMember(turn, workerId, { resyncs: 0 });
  if (present) startOver(turn, workerId, `most workers hold another state of round ${holds.round}`);
  else changeMember(turn, workerId, { holds: null });
}
