// Storing the agreed state, now and then as a checkpoint and at the end as the artifact. One worker at a time holds a lease
// for it; the fence grows with every lease, so that an upload of an earlier holder cannot be taken for that of a later one.

import type { WorkerMessage } from '../protocol/messages.ts';
import { complete, fail } from './finish.ts';
import { leaseMs, leaseRetryMs, maxArtifactFailures } from './limits.ts';
import { resync } from './agree.ts';
import { broadcast, change, record, refuse, send } from './turn.ts';
import type { Turn } from './turn.ts';
import type { Member, OpenLease, RoomEvent, RoomState } from './types.ts';
import { isLogLong, isOver, isUpToDate } from './views.ts';

type Uploaded = Extract<WorkerMessage, { type: 'uploaded' }>;
type Declined = Extract<WorkerMessage, { type: 'declined' }>;
type Stored = Extract<RoomEvent, { type: 'stored' }>;
type Kind = OpenLease['kind'];

/** `leaseFailures` of an upload that nobody has failed yet. */
export const noFailures: RoomState['leaseFailures'] = { workers: [], count: 0, retryAt: 0 };

/** Leases the upload that is due to a worker that can do it. */
export function leaseWhenDue(turn: Turn): void {
  const { state, now } = turn;
  const kind = dueUpload(state, now);
  if (kind === null || state.lease !== null || now < state.leaseFailures.retryAt) return;
  const able = candidates(state, kind);
  const untried = able.filter(({ workerId }) => !state.leaseFailures.workers.includes(workerId));
  if (untried[0] !== undefined) return grant(turn, kind, untried[0].workerId);
  if (able.length > 0) postpone(turn);
}

/** Leases are granted between rounds only, while all hold the same state and nobody trains yet. */
function dueUpload(state: RoomState, now: number): Kind | null {
  if (isOver(state) || state.open !== null || state.stateHash === null) return null;
  if (state.phase === 'finishing') return 'artifact';
  return now >= checkpointDueAt(state) ? 'checkpoint' : null;
}

/** When the state should be stored; at once if the log is long, or a worker cannot rebuild the state from it. */
export function checkpointDueAt(state: RoomState): number {
  const members = Object.values(state.members);
  if (state.round > (state.checkpoint?.round ?? -1) && members.some((member) => member.stuck)) return 0;
  if (state.round <= (state.checkpoint?.round ?? 0)) return Infinity; // the seed's state needs no copy
  if (isLogLong(state)) return 0;
  const holders = members.filter((member) => member.present && isUpToDate(state, member)).length;
  const { checkpointInterval } = state.manifest.spec.runtime;
  return state.checkpointAt + (holders === 1 ? checkpointInterval / 4 : checkpointInterval); // the only copy is at risk
}

/** Who could upload, best first: the fast ones for the artifact, taking turns for checkpoints; those at work before the paused. */
function candidates(state: RoomState, kind: Kind): Member[] {
  const able = Object.values(state.members).filter((member) => member.present && isUpToDate(state, member));
  const turns = able.length === 0 ? 0 : state.fence % able.length;
  const rotated = [...able.slice(turns), ...able.slice(0, turns)];
  const ranked = kind === 'artifact' ? rotated.toSorted((a, b) => b.tokensPerSecond - a.tokensPerSecond) : rotated;
  return ranked.toSorted((a, b) => Number(a.paused) - Number(b.paused));
}

function grant(turn: Turn, kind: Kind, workerId: string): void {
  const { state, now } = turn;
  const fence = state.fence + 1;
  const terms = { kind, fence, round: state.round, expiresMs: now + leaseMs[kind] };
  change(turn, { fence, lease: { ...terms, workerId, stateHash: state.stateHash!, stored: null, uploaded: null } });
  remindOfLease(turn, workerId);
}

/** All who could upload have failed: begin again with the first in a while. */
function postpone(turn: Turn): void {
  const { leaseFailures } = turn.state;
  change(turn, { leaseFailures: { ...leaseFailures, workers: [], retryAt: turn.now + leaseRetryMs } });
}

/** Tells the holder of the lease about it, also after a lost connection. */
export function remindOfLease(turn: Turn, id: string): void {
  const { lease } = turn.state;
  if (lease === null || lease.workerId !== id || lease.uploaded !== null) return;
  const { kind, fence, round, expiresMs } = lease;
  send(turn, id, { type: 'lease', lease: { kind, fence, round, expiresMs } });
}

/** The coordinator saw the upload arrive whole. */
export function stored(turn: Turn, { kind, fence, bytes }: Stored): void {
  const { lease } = turn.state;
  if (lease === null || lease.kind !== kind || lease.fence !== fence) return;
  change(turn, { lease: { ...lease, stored: bytes } });
  concludeWhenBoth(turn);
}

/** The worker says what it uploaded. */
export function uploaded(turn: Turn, id: string, message: Uploaded): void {
  const { lease } = turn.state;
  if (!isHolder(lease, id, message)) return refuseStale(turn, id, message.fence);
  if (message.kind === 'artifact' && message.evaluation === null) {
    const allowed = 'an evaluation with an artifact';
    return refuse(turn, id, { code: 'invalid_message', message: 'no evaluation', where: 'evaluation', allowed });
  }
  if (message.round !== lease.round || message.stateHash !== lease.stateHash) {
    refuse(turn, id, {
      code: 'conflict',
      message: 'not the leased state',
      where: 'stateHash',
      allowed: lease.stateHash,
    });
    return failLease(turn, lease, 'uploaded another state');
  }
  change(turn, { lease: { ...lease, uploaded: message } });
  concludeWhenBoth(turn);
}

export function declined(turn: Turn, id: string, message: Declined): void {
  const { lease } = turn.state;
  if (!isHolder(lease, id, message)) return refuseStale(turn, id, message.fence);
  failLease(turn, lease, message.reason);
}

function isHolder(lease: OpenLease | null, id: string, said: { kind: Kind; fence: number }): lease is OpenLease {
  return lease !== null && lease.workerId === id && lease.kind === said.kind && lease.fence === said.fence;
}

function refuseStale(turn: Turn, id: string, fence: number): void {
  const allowed = turn.state.lease === null ? 'no lease is open' : `fence ${turn.state.lease.fence} of its holder`;
  refuse(turn, id, { code: 'conflict', message: `lease ${fence} is over`, where: 'fence', allowed });
}

export function expireLease(turn: Turn): void {
  const { lease } = turn.state;
  if (lease !== null && turn.now >= lease.expiresMs) failLease(turn, lease, 'took too long');
}

/** The holder left: someone else stores the state. */
export function dropLeaseOf(turn: Turn, id: string): void {
  const { lease } = turn.state;
  if (lease?.workerId === id) change(turn, { lease: null });
}

function failLease(turn: Turn, lease: OpenLease, why: string): void {
  const { workers, count, retryAt } = turn.state.leaseFailures;
  change(turn, { lease: null, leaseFailures: { workers: [...workers, lease.workerId], count: count + 1, retryAt } });
  if (lease.kind === 'artifact' && count + 1 >= maxArtifactFailures) {
    fail(turn, `the trained model could not be stored: ${count + 1} workers failed, the last one ${why}`);
  }
}

function concludeWhenBoth(turn: Turn): void {
  const { lease } = turn.state;
  if (lease === null || lease.stored === null || lease.uploaded === null) return;
  change(turn, { lease: null, leaseFailures: noFailures });
  if (lease.kind === 'checkpoint') concludeCheckpoint(turn, lease, lease.stored);
  else concludeArtifact(turn, lease, lease.stored, lease.uploaded.evaluation!);
}

/** From now on the log begins at the checkpoint; whoever was stuck before it goes on from there. */
function concludeCheckpoint(turn: Turn, { round, stateHash, workerId }: OpenLease, bytes: number): void {
  const checkpoint = { round, stateHash, bytes };
  const log = turn.state.log.filter((closed) => closed.round >= round);
  change(turn, { checkpoint, checkpointAt: turn.now, log, asked: {} });
  record(turn, 'checkpoint.stored', { round, stateHash, bytes, workerId });
  broadcast(turn, { type: 'checkpointed', checkpoint });
  for (const member of Object.values(turn.state.members)) {
    if (member.stuck) resync(turn, member.workerId, 'a newer checkpoint is there');
  }
}

function concludeArtifact(
  turn: Turn,
  lease: OpenLease,
  bytes: number,
  evaluation: NonNullable<Uploaded['evaluation']>,
): void {
  const { round, stateHash, workerId } = lease;
  change(turn, { evaluation });
  record(turn, 'artifact.stored', { round, stateHash, bytes, workerId, validationLoss: evaluation.loss });
  complete(turn);
}
