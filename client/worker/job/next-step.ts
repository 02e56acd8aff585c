// What this worker does next: a pure function of what the room said and what we hold. The life of a worker in a job
// (job-session.ts) is "take the next step, do it", and work in progress is broken off as soon as other work would be next.

import type { Assignment, ClosedRound, Lease, StoredCheckpoint } from '../../../shared/protocol/messages.ts';
import type { StateRef } from '../../train/trainer.ts';
import { agreedHash, isInTime } from './room-view.ts';
import type { RoomView } from './room-view.ts';

/** What a worker knows of itself. */
export interface Own {
  readonly holds: StateRef;
  readonly reported: StateRef | null; // what we last said `applied` for on this connection
  readonly committed: Assignment | null; // the last one we have a contribution for
  readonly uploadedFence: number; // of the last lease we fulfilled or declined; -1 before the first
  readonly paused: boolean;
  readonly isTraining: boolean; // beside everything else, where work may be late or early
}

/** Takes a while; one at a time. */
export type Work =
  | { readonly type: 'restore'; readonly checkpoint: StoredCheckpoint | null } // null = the seed's initial state
  | { readonly type: 'apply'; readonly closed: ClosedRound }
  | { readonly type: 'train'; readonly assignment: Assignment };

/** Done at once, also beside work. */
export type Reply =
  | { readonly type: 'report' } // say which state we hold
  | { readonly type: 'recommit' } // the room has not heard our commit
  | { readonly type: 'upload'; readonly lease: Lease } // begins; goes on beside
  | { readonly type: 'decline'; readonly lease: Lease };

export type Step = Work | Reply | { readonly type: 'wait' } | { readonly type: 'leave' } | { readonly type: 'end' };

export function isReply(step: Step): step is Reply {
  return step.type === 'report' || step.type === 'recommit' || step.type === 'upload' || step.type === 'decline';
}

export function nextStep(view: RoomView, own: Own): Step {
  if (view.finish !== null) return { type: 'end' };
  if (!view.welcomed) return { type: 'wait' };
  if (view.released) return { type: 'leave' };
  return catchUp(view, own) ?? serve(view, own) ?? { type: 'wait' };
}

/** What a step is about: two steps with the same key are the same piece of work. */
export function stepKey(step: Step): string {
  if (step.type === 'restore') return `restore ${step.checkpoint?.round ?? 'initial'}`;
  if (step.type === 'apply') return `apply ${step.closed.round}`;
  if (step.type === 'upload' || step.type === 'decline') return `${step.type} ${step.lease.fence}`;
  if (step.type === 'train') return `train ${step.assignment.round} ${step.assignment.seed} ${step.assignment.steps}`;
  return step.type;
}

/** The way to the agreed state of the current round, or null when we hold it and have said so. */
function catchUp(view: RoomView, { holds, reported }: Own): Step | null {
  if (!isOnTheWay(view, holds)) return { type: 'restore', checkpoint: view.checkpoint };
  const closed = view.log.find(({ round }) => round === holds.round);
  if (closed !== undefined) return { type: 'apply', closed };
  const isReported = reported?.round === holds.round && reported.stateHash === holds.stateHash;
  return isReported ? null : { type: 'report' };
}

/** Whether the log leads from what we hold to the current round, and what we hold is not known to be wrong. */
function isOnTheWay(view: RoomView, { round, stateHash }: StateRef): boolean {
  if (round > view.round || round < (view.checkpoint?.round ?? 0)) return false;
  const agreed = agreedHash(view, round);
  return agreed === null || agreed === stateHash;
}

/** What the room asks of a worker that is up to date. */
function serve(view: RoomView, own: Own): Step | null {
  const { lease, assignment } = view;
  const { round } = own.holds;
  if (lease !== null && lease.fence > own.uploadedFence && lease.round <= round) {
    return { type: lease.round === round ? 'upload' : 'decline', lease };
  }
  if (assignment === null || !isInTime(view, assignment, round)) return null;
  if (own.committed !== null && isSameWork(own.committed, assignment)) return { type: 'recommit' };
  return own.paused || own.isTraining ? null : { type: 'train', assignment };
}

export function isSameWork(a: Assignment, b: Assignment): boolean {
  return a.round === b.round && a.seed === b.seed && a.steps === b.steps;
}
