// What becomes of a lease. An upload is complete when the coordinator saw it arrive and its worker said what it is, in either
// order; it fails when the worker declines, takes too long or uploads another state.

import type { WorkerMessage } from '../../protocol/messages.ts';
import { createRandom } from '../../random.ts';
import { isGood } from '../../verification/court.ts';
import { resync } from '../agreement/agree.ts';
import { complete, fail } from './finish.ts';
import { noFailures } from './lease.ts';
import { maxArtifactFailures } from '../limits.ts';
import { broadcast, change, record, refuse, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenLease, RoomEvent } from '../types.ts';
import { isActive, isVerified } from '../views.ts';

type Uploaded = Extract<WorkerMessage, { type: 'uploaded' }>;
type Declined = Extract<WorkerMessage, { type: 'declined' }>;
type Stored = Extract<RoomEvent, { type: 'stored' }>;

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

function isHolder(
  lease: OpenLease | null,
  id: string,
  said: { kind: OpenLease['kind']; fence: number },
): lease is OpenLease {
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
  if (lease.kind === 'checkpoint' && isVerified(turn.state) && !lease.confirmed && askToConfirm(turn, lease)) return;
  change(turn, { lease: null, leaseFailures: noFailures });
  if (lease.kind === 'checkpoint') concludeCheckpoint(turn, lease, lease.stored);
  else concludeArtifact(turn, lease, lease.stored, lease.uploaded.evaluation!);
}

type Confirmed = Extract<WorkerMessage, { type: 'confirmed' }>;

/** Someone else reads what was stored, drawn by chance; false if nobody else is there who could. */
function askToConfirm(turn: Turn, lease: OpenLease): boolean {
  const { members, court, manifest } = turn.state;
  if (lease.confirmer !== null && members[lease.confirmer]?.present === true) return true;
  const others = Object.values(members).filter(
    (member) => member.workerId !== lease.workerId && isActive(member) && isGood(court, member.workerId),
  );
  if (others.length === 0) return false;
  const chosen = others[createRandom(manifest.spec.seed, lease.fence, lease.round).below(others.length)]!.workerId;
  change(turn, { lease: { ...lease, confirmer: chosen } });
  send(turn, chosen, { type: 'confirm', fence: lease.fence, round: lease.round });
  return true;
}

/** A second worker read the stored checkpoint: only if it holds the agreed state, the log before it is forgotten. */
export function confirmed(turn: Turn, id: string, { fence, stateHash }: Confirmed): void {
  const { lease } = turn.state;
  if (lease === null || lease.fence !== fence || lease.confirmer !== id) return;
  if (stateHash === lease.stateHash) {
    change(turn, { lease: { ...lease, confirmed: true } });
    return concludeWhenBoth(turn);
  }
  const reason = `${id} found another state in what ${lease.workerId} stored`;
  record(turn, 'checkpoint.refused', { round: lease.round, workerId: lease.workerId, reason });
  failLease(turn, lease, 'stored another state');
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
