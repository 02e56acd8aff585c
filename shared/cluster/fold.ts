// The state of a cluster is a fold over its events, and so is a node's role.

import type { ClusterEvent, ClusterState, Leadership, NodeRole } from './types.ts';

export function fold(state: ClusterState, event: ClusterEvent): ClusterState {
  switch (event.type) {
    case 'node.seen':
      return { ...state, nodes: { ...state.nodes, [event.node.nodeId]: event.node } };
    case 'node.left': {
      const { [event.nodeId]: _, ...nodes } = state.nodes;
      return { ...state, nodes };
    }
    case 'election.called':
      return { ...state, called: event.called };
    case 'leader.elected':
      return { ...state, leader: event.leader, fence: event.leader.fence, called: null };
    case 'leader.renewed':
      return { ...state, leader: { ...state.leader!, expiresAt: event.expiresAt } };
    case 'leader.resigned':
      return { ...state, leader: null };
  }
}

/** Who leads at this moment: a lease that ran out counts for nothing, also before anyone has noticed. */
export function leaderAt({ leader }: ClusterState, now: number): Leadership | null {
  return leader !== null && now < leader.expiresAt ? leader : null;
}

export function roleOf(state: ClusterState, nodeId: string, now: number): NodeRole {
  if (leaderAt(state, now)?.nodeId === nodeId) return 'leader';
  return state.nodes[nodeId]?.observer === true ? 'observer' : 'follower';
}
