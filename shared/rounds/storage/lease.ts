// Who stores the agreed state, and when: now and then as a checkpoint, at the end as the artifact. One worker at a time holds
// a lease for it; the fence grows with every lease, so that an upload of an earlier holder cannot pass for a later one.

import type { Lease } from '../../protocol/messages.ts';
import { leaseMs, leaseRetryMs } from '../limits.ts';
import { change, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, OpenLease, RoomState } from '../types.ts';
import { isLogLong, isStateLeaving, isUpToDate } from '../views.ts';

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
  if (state.open !== null || state.stateHash === null) return null;
  if (state.phase === 'finishing') return 'artifact';
  return now >= checkpointDueAt(state) ? 'checkpoint' : null;
}

/** When the state should be stored; at once if the log is long, or a worker cannot rebuild the state from it. */
export function checkpointDueAt(state: RoomState): number {
  const members = Object.values(state.members);
  if (state.round > (state.checkpoint?.round ?? -1) && members.some((member) => member.stuck)) return 0;
  if (state.round <= (state.checkpoint?.round ?? 0)) return Infinity; // the seed's state needs no copy
  if (isLogLong(state) || isStateLeaving(state)) return 0;
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
  const lease: Lease = { kind, fence, round: state.round, expiresMs: now + leaseMs[kind] };
  change(turn, {
    fence,
    lease: {
      ...lease,
      workerId,
      stateHash: state.stateHash!,
      stored: null,
      uploaded: null,
      confirmer: null,
      confirmed: false,
    },
  });
  send(turn, workerId, { type: 'lease', lease });
}

/** All who could upload have failed: begin again with the first in a while. */
function postpone(turn: Turn): void {
  const { leaseFailures } = turn.state;
  change(turn, { leaseFailures: { ...leaseFailures, workers: [], retryAt: turn.now + leaseRetryMs } });
}

/** The holder left or connected anew: the upload is leased again, to someone else or to it. */
export function dropLeaseOf(turn: Turn, id: string): void {
  const { lease } = turn.state;
  if (lease?.workerId === id) change(turn, { lease: null });
}
