// What a cluster does about a command: pure, given its state and the time. The first node that may lead and asks while nobody
// leads is elected; a node is elected only in answer to its own heartbeat, so a leader is alive and knows it.

import { LoomError } from '../errors.ts';
import { fold, leaderAt } from './fold.ts';
import type { ClusterCommand, ClusterEvent, ClusterNode, ClusterState, Leadership } from './types.ts';

export const maxNodes = 256;
/** A node that was silent for so many of its leases is forgotten. */
const forgottenLeases = 10;

type Command<T extends ClusterCommand['type']> = Extract<ClusterCommand, { type: T }>;

export interface Decision {
  readonly state: ClusterState;
  readonly events: readonly ClusterEvent[];
}

/** @throws LoomError `conflict` for what a stale node asks and for an election that nobody could win; `unavailable` when full */
export function decide(state: ClusterState, command: ClusterCommand, now: number): Decision {
  const events: ClusterEvent[] = [];
  const happen = (event: ClusterEvent): void => {
    events.push(event);
    state = fold(state, event);
  };
  if (state.leader !== null && leaderAt(state, now) === null) happen(resigned(state.leader, 'expired'));
  if (command.type === 'heartbeat') for (const event of heartbeat(state, command, now)) happen(event);
  if (command.type === 'leave') for (const event of leave(state, command)) happen(event);
  if (command.type === 'elect') happen(callElection(state, command.wanted, now));
  return { state, events };
}

function* heartbeat(state: ClusterState, command: Command<'heartbeat'>, now: number): Generator<ClusterEvent> {
  const node: ClusterNode = { ...command.node, seenAt: now };
  const known = state.nodes[node.nodeId];
  for (const { nodeId, seenAt, leaseMs } of Object.values(state.nodes))
    if (now - seenAt > forgottenLeases * leaseMs && nodeId !== node.nodeId) yield { type: 'node.left', nodeId };
  if (known === undefined && Object.keys(state.nodes).length >= maxNodes)
    throw new LoomError('unavailable', 'the cluster has too many nodes', { allowed: `${maxNodes}` });
  yield { type: 'node.seen', node };
  const leads = isLedBy(state.leader, node);
  if (leads && (command.yields === state.leader!.fence || node.observer)) yield resigned(state.leader!, 'yielded');
  else if (leads) yield { type: 'leader.renewed', expiresAt: now + node.leaseMs };
  else if (state.leader === null && command.yields === null && !command.isHeld && mayLead(state, node, now))
    yield elected(state, node, now);
}

function isLedBy(leader: Leadership | null, { nodeId, session }: ClusterNode): boolean {
  return leader?.nodeId === nodeId && leader.session === session;
}

function mayLead({ called }: ClusterState, { nodeId, observer }: ClusterNode, now: number): boolean {
  if (observer) return false;
  if (called === null || now >= called.until) return true;
  return called.wanted === null ? nodeId !== called.not : nodeId === called.wanted;
}

function elected(state: ClusterState, { nodeId, session, leaseMs }: ClusterNode, now: number): ClusterEvent {
  const leader = { nodeId, session, fence: state.fence + 1, expiresAt: now + leaseMs };
  return { type: 'leader.elected', leader };
}

function resigned({ nodeId, fence }: Leadership, reason: 'expired' | 'yielded' | 'left'): ClusterEvent {
  return { type: 'leader.resigned', nodeId, fence, reason };
}

/** A later life under the same name is not told to leave by an earlier one. */
function* leave({ leader, nodes }: ClusterState, { nodeId, session }: Command<'leave'>): Generator<ClusterEvent> {
  if (leader?.nodeId === nodeId && leader.session === session) yield resigned(leader, 'left');
  if (nodes[nodeId]?.session === session) yield { type: 'node.left', nodeId };
}

/** Long enough for the leader to yield, or for its lease to run out, and for another to ask. */
function callElection(state: ClusterState, wanted: string | null, now: number): ClusterEvent {
  const { leader, nodes } = state;
  const rivals = Object.values(nodes).filter((node) => isAlive(node, now) && node.nodeId !== leader?.nodeId);
  const electable = rivals.filter((node) => !node.observer).map(({ nodeId }) => nodeId);
  if (wanted === null ? electable.length === 0 : !electable.includes(wanted)) {
    const message = wanted === null ? 'no other node could lead' : `${wanted} is no follower that could lead`;
    const allowed = electable.length === 0 ? 'a follower that is there' : electable.join(', ');
    throw new LoomError('conflict', message, { where: 'nodeId', allowed });
  }
  const longest = Math.max(...rivals.map(({ leaseMs }) => leaseMs));
  const until = Math.max(now, leader?.expiresAt ?? 0) + longest;
  return { type: 'election.called', called: { wanted, not: leader?.nodeId ?? null, until } };
}

/** Heard of within its lease. */
export function isAlive({ seenAt, leaseMs }: ClusterNode, now: number): boolean {
  return now - seenAt <= leaseMs;
}

/** Whether the leader was asked to yield and has not. */
export function isAskedToYield({ leader, called }: ClusterState): boolean {
  return leader !== null && called !== null;
}
