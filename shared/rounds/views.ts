// Questions about a room that several steps ask. Nothing here changes anything.

import { isRepeatable, verificationSettings } from '../manifest/verification.ts';
import { maxLogContributions, maxLogRounds } from './limits.ts';
import type { AcceptedContribution } from '../protocol/messages.ts';
import type { Member, OpenRound, Part, RoomState } from './types.ts';

/** Workers of this job check each other. */
export function isVerified({ manifest }: RoomState): boolean {
  return verificationSettings(manifest.spec.verification).isOn;
}

export function hasAudits({ manifest }: RoomState): boolean {
  return isRepeatable(manifest.spec.verification);
}

/** Rounds that the state a contribution was trained from may be older than that of the round that takes it. */
export function staleness({ manifest }: RoomState): number {
  return manifest.spec.rounds.staleness;
}

/** Rounds before one opens in which work for it may begin: its fragment is not among what the rounds before it change. */
export function earliness({ manifest }: RoomState): number {
  return manifest.spec.rounds.overlap ? 1 : 0;
}

export function isOver(state: RoomState): boolean {
  return state.phase === 'completed' || state.phase === 'failed' || state.phase === 'cancelled';
}

/** Present and not paused: may be given work. */
export function isActive(member: Member | undefined): member is Member {
  return member !== undefined && member.present && !member.paused;
}

/** Holds the agreed state of the open or next round. */
export function isUpToDate(state: RoomState, member: Member): boolean {
  return state.stateHash !== null && member.holds?.round === state.round && member.holds.stateHash === state.stateHash;
}

/** Members that could train now, in the order in which they joined. */
export function readyMembers(state: RoomState): Member[] {
  return Object.values(state.members).filter(
    (member) => isActive(member) && member.drains === null && isUpToDate(state, member),
  );
}

/** Whether only workers that are about to leave hold the agreed state: it has to be stored before they may. */
export function isStateLeaving(state: RoomState): boolean {
  const holders = Object.values(state.members).filter((member) => member.present && isUpToDate(state, member));
  return holders.length > 0 && holders.every(({ drains }) => drains !== null);
}

/** The agreed hash of the state of `round`; null if it is not agreed, or older than the checkpoint. */
export function agreedHash(state: RoomState, round: number): string | null {
  if (round === state.round) return state.stateHash;
  if (round === state.checkpoint?.round) return state.checkpoint.stateHash;
  return state.log.find((closed) => closed.round === round - 1)?.stateHash ?? null;
}

/** Closed rounds whose state is agreed. */
export function agreedRounds({ round, stateHash }: RoomState): number {
  return stateHash === null ? Math.max(0, round - 1) : round;
}

/** Participants that the round waits for: still there, at work, not silent, and with the state it started from. */
export function liveParts(state: RoomState, open: OpenRound): Part[] {
  return Object.entries(open.parts)
    .filter(
      ([id, { voice }]) => voice !== 'silent' && isActive(state.members[id]) && isUpToDate(state, state.members[id]),
    )
    .map(([, part]) => part);
}

/**
 * From the last progress until now some were waited for in vain. That is no time that a round takes: or each such wait would give the
 * next rounds more time to.
 */
export function afterVainWait({ waitedMs, progressAt }: OpenRound, now: number): Partial<OpenRound> {
  return { waitedMs: waitedMs + now - progressAt, progressAt: now };
}

/** Participants of a worker's group, itself included; of all groups for one that does not take part. */
export function matesOf(open: OpenRound, id: string): readonly string[] {
  const part = open.parts[id];
  return part === undefined ? Object.keys(open.parts) : open.nodes[part.node]!.members;
}

/** Ids of present participants among these that hold this committed payload. */
export function holdersAmong(state: RoomState, open: OpenRound, ids: readonly string[], hash: string): string[] {
  return ids.filter((id) => state.members[id]?.present && open.parts[id]?.received.includes(hash));
}

/** Ids of present participants that hold this committed payload of `author`. */
export function holdersOf(state: RoomState, open: OpenRound, hash: string, author: string): string[] {
  return holdersAmong(state, open, matesOf(open, author), hash);
}

export function isLogLong(state: RoomState): boolean {
  const contributions = state.log.reduce((sum, closed) => sum + closed.accepted.length, 0);
  return state.log.length >= maxLogRounds || contributions >= maxLogContributions;
}

/** The committed contribution of a participant. */
export function contributionOf({ round, parts }: OpenRound, workerId: string): AcceptedContribution {
  const { commit, assignment } = parts[workerId]!;
  const { hash, bytes, tokens } = commit!;
  const rounds = round - assignment.round;
  return { workerId, hash, bytes, tokens, ...(rounds > 0 && { staleness: rounds }) };
}
