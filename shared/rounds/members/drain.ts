// Leaving without harm: a worker that drains finishes its part of the open round and gets no further one. It may go when the
// others can do without it: its work is in or was not wanted, and the agreed state is held by someone who stays, or stored.

import { changeMember, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, RoomState } from '../types.ts';
import { isStateLeaving } from '../views.ts';

/** Also said again: the answer may have been lost. */
export function drain(turn: Turn, id: string): void {
  changeMember(turn, id, { drains: 'asked' });
}

/** Tells those that may go. */
export function releaseDrained(turn: Turn): void {
  for (const member of Object.values(turn.state.members)) {
    if (member.drains !== 'asked' || !member.present || !isFree(turn.state, member)) continue;
    changeMember(turn, member.workerId, { drains: 'released' });
    send(turn, member.workerId, { type: 'released' });
  }
}

function isFree(state: RoomState, { workerId }: Member): boolean {
  if (state.open?.parts[workerId] !== undefined || state.ahead[workerId] !== undefined) return false;
  if (state.lease?.workerId === workerId) return false;
  if (state.round === 0 || state.checkpoint?.round === state.round) return true;
  return state.stateHash !== null && !isStateLeaving(state);
}
