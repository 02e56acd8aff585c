// Closing a round: which contributions it accepts, and when it waits no longer. A contribution is accepted only while it
// is safe: two participants that are present hold its payload, or every participant the round waits for does.

import type { AcceptedContribution, ClosedRound } from '../protocol/messages.ts';
import { maxExtensions, maxLossPoints, recentRounds } from './limits.ts';
import { broadcast, change, changeMember, changeOpen, record } from './turn.ts';
import type { Turn } from './turn.ts';
import type { LossPoint, OpenRound, Part, RoomState } from './types.ts';
import { givenMs, holdersOf, isActive, liveParts, readyMembers } from './views.ts';

/** Closes the open round once everything is in, or at its deadline with what is there; gives it up if that is nothing. */
export function closeWhenDone(turn: Turn): void {
  const { state, now } = turn;
  const { open } = state;
  if (open === null || state.rejoining !== null) return;
  const live = liveParts(state, open);
  if (isComplete(state, open, live)) return close(turn, open);
  if (now < open.deadlineMs && !isForsaken(state, live)) return;
  const accepted = availableParts(state, open, live);
  const needed = Math.max(1, Math.ceil(state.manifest.spec.rounds.quorum * live.length));
  if (accepted.length >= needed) return close(turn, open);
  if (live.length > 0 && open.extensions < maxExtensions) return extend(turn, open);
  if (accepted.length > 0) return close(turn, open);
  change(turn, { open: null, attempts: state.attempts + (live.length === 0 ? 0 : 1) }); // the same round opens again
}

/** Everyone the round waits for has committed, and has every payload that can still be had. */
function isComplete(state: RoomState, open: OpenRound, live: readonly Part[]): boolean {
  if (live.length === 0 || live.some((part) => part.commit === null)) return false;
  const obtainable = Object.entries(open.parts).filter(([id, part]) => isObtainable(state, open, id, part)).length;
  return obtainable > 0 && live.every((part) => part.received.length === obtainable);
}

function isObtainable(state: RoomState, open: OpenRound, id: string, part: Part): boolean {
  if (part.commit === null) return false;
  const authorHasIt = state.members[id]?.present === true && part.received.includes(part.commit.hash);
  return authorHasIt || holdersOf(state, open, part.commit.hash).length > 0;
}

/** The round waits for nobody any more, but others are there to go on. */
function isForsaken(state: RoomState, live: readonly Part[]): boolean {
  return live.length === 0 && readyMembers(state).length >= state.manifest.spec.resources.workers.min;
}

/** Participants whose contribution is safe, in the order of application. */
function availableParts(state: RoomState, open: OpenRound, live: readonly Part[]): [string, Part][] {
  const isAvailable = (hash: string): boolean => {
    const holders = holdersOf(state, open, hash).length;
    return holders >= 2 || (holders === 1 && live.every((part) => part.received.includes(hash)));
  };
  return Object.entries(open.parts)
    .filter(([, part]) => part.commit !== null && isAvailable(part.commit.hash))
    .toSorted(([, a], [, b]) => a.assignment.slot - b.assignment.slot);
}

function extend(turn: Turn, open: OpenRound): void {
  changeOpen(turn, { deadlineMs: turn.now + givenMs(open), extensions: open.extensions + 1 });
}

function close(turn: Turn, open: OpenRound): void {
  const { state, now } = turn;
  const parts = availableParts(state, open, liveParts(state, open));
  const accepted = parts.map(([workerId, part]) => contributionOf(workerId, part));
  const closed: ClosedRound = { round: open.round, accepted, stateHash: null };
  const point = lossPoint(state, open, accepted, now);
  change(turn, {
    open: null,
    attempts: 0,
    round: open.round + 1,
    stateHash: null,
    agreement: { since: now, quorumAt: null },
    log: [...state.log, closed],
    tokens: point.tokens,
    recentRoundMs: [...state.recentRoundMs, open.progressAt - open.openedAt].slice(-recentRounds),
    losses: thin([...state.losses, point]),
    validationTokens: validationOf(open)?.tokens ?? state.validationTokens,
  });
  credit(turn, accepted, 1);
  slowDownLate(turn, open);
  const late = Object.keys(open.parts).filter((id) => !accepted.some(({ workerId }) => workerId === id));
  const { trainLoss, validationLoss } = point;
  record(turn, 'round.closed', { round: open.round, accepted, late, trainLoss, validationLoss });
  broadcast(turn, { type: 'close', closed });
}

function contributionOf(workerId: string, part: Part): AcceptedContribution {
  const { hash, bytes, tokens } = part.commit!;
  return { workerId, hash, bytes, tokens };
}

function lossPoint(
  state: RoomState,
  open: OpenRound,
  accepted: readonly AcceptedContribution[],
  at: number,
): LossPoint {
  const tokens = accepted.reduce((sum, contribution) => sum + contribution.tokens, 0);
  const weighted = accepted.reduce((sum, { workerId, tokens }) => sum + open.parts[workerId]!.commit!.loss * tokens, 0);
  const validationLoss = validationOf(open)?.loss ?? null;
  return { round: open.round, tokens: state.tokens + tokens, trainLoss: weighted / tokens, validationLoss, at };
}

/** What the evaluator measured, whether or not its contribution was accepted. */
function validationOf(open: OpenRound): { loss: number; tokens: number } | null {
  return Object.values(open.parts).find((part) => part.commit?.validation)?.commit?.validation ?? null;
}

/** Halves the density of all but the newest quarter; keeps the first point. */
function thin(points: LossPoint[]): LossPoint[] {
  if (points.length <= maxLossPoints) return points;
  const recentFrom = points.length - Math.floor(maxLossPoints / 4);
  return points.filter((_, index) => index % 2 === 0 || index >= recentFrom);
}

/** Adds accepted contributions to their authors' accounts; `sign` -1 takes them back when a round is undone. */
export function credit(turn: Turn, accepted: readonly AcceptedContribution[], sign: 1 | -1): void {
  for (const { workerId, tokens } of accepted) {
    const member = turn.state.members[workerId];
    if (member === undefined) continue;
    const tokensAccepted = member.tokensAccepted + sign * tokens;
    changeMember(turn, workerId, { tokensAccepted, roundsAccepted: member.roundsAccepted + sign });
  }
}

/** Whoever was still training at the deadline is not as fast as it was thought to be. */
function slowDownLate(turn: Turn, open: OpenRound): void {
  for (const [id, part] of Object.entries(open.parts)) {
    const member = turn.state.members[id];
    if (part.commit === null && isActive(member)) {
      changeMember(turn, id, { tokensPerSecond: member.tokensPerSecond / 2 });
    }
  }
}
