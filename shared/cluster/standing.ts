// What a node may believe about itself: it leads from a heartbeat's answer until its lease would run out had the coordinator
// received that heartbeat the moment it was sent. So its belief always ends before another can be elected, as long as
// clocks run at about the same rate; should they not, the fence tells the requests of an older leader.

import type { NodeRole } from './types.ts';

/** A coordinator's answer to a heartbeat. */
export interface HeartbeatAnswer {
  readonly role: NodeRole;
  readonly fence: number; // of the leader that there is or was last
  readonly leader: string | null;
  readonly isAskedToYield: boolean; // stop acting as leader, then say so with the next heartbeat
}

export interface Standing {
  readonly role: NodeRole; // as of the last answer; see roleAt
  readonly fence: number;
  readonly validUntil: number; // unix ms of this node's clock; while it leads
}

/** Part of a lease that is not relied on: clocks of different machines do not run alike. */
const drift = 0.05;

export function newStanding(observer: boolean): Standing {
  return { role: observer ? 'observer' : 'follower', fence: 0, validUntil: 0 };
}

/** @param sentAt when the heartbeat left, by this node's clock */
export function heardAnswer(answer: HeartbeatAnswer, sentAt: number, leaseMs: number): Standing {
  const leads = answer.role === 'leader' && !answer.isAskedToYield;
  const role = answer.role === 'leader' && !leads ? 'follower' : answer.role;
  return { role, fence: answer.fence, validUntil: leads ? sentAt + leaseMs * (1 - drift) : 0 };
}

/** What the node is at this moment: a leader that has not been confirmed in time leads no more. */
export function roleAt({ role, validUntil }: Standing, now: number): NodeRole {
  return role === 'leader' && now >= validUntil ? 'follower' : role;
}
