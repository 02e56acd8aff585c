// What people are told of a worker that has nothing to do at the moment. Pure.

import type { WorkerSnapshot } from '../events.ts';
import type { RoomView } from './room-view.ts';

export interface Idle {
  readonly view: RoomView;
  readonly paused: boolean;
  readonly isAuditing: boolean;
  readonly committed: number | null; // the round that our latest contribution was trained for
  readonly minWorkers: number;
}

export function idling({ view, paused, isAuditing, committed, minWorkers }: Idle): Partial<WorkerSnapshot> {
  if (paused) return { phase: 'paused', reason: 'Paused by you.' };
  const missing = minWorkers - view.peers.length;
  if (missing > 0 && view.topology === 'mesh')
    return { phase: 'idle', reason: `Waiting for ${missing} more ${missing === 1 ? 'worker' : 'workers'}.` };
  const { round } = view;
  if (isAuditing) return { phase: 'idle', reason: 'Checking the work of another worker.', round };
  if (committed !== null && committed >= round - 1) return { phase: 'exchanging', reason: '' };
  return { phase: 'idle', reason: 'Waiting for the next round.', round };
}
