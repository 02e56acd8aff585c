// The vocabulary of leadership: which of several programs acts for a cluster's owner. A Durable Object is the only writer of
// this state, so there is nothing to vote about; what is left is a lease that runs out and a fence that makes an older
// leader's requests worthless. All times are unix milliseconds.

/** What a node may do: the leader acts, followers stand by to take over, observers never lead. */
export type NodeRole = 'leader' | 'follower' | 'observer';

/** A program that takes part. `session` tells two lives under one name apart. */
export interface ClusterNode {
  readonly nodeId: string;
  readonly session: string;
  readonly observer: boolean;
  readonly leaseMs: number; // how long it leads without a further heartbeat
  readonly seenAt: number;
}

export interface Leadership {
  readonly nodeId: string;
  readonly session: string;
  readonly fence: number; // grows by one with every leader
  readonly expiresAt: number;
}

/** A forced election: the leader is asked to yield, and is not elected again before `until`. */
export interface CalledElection {
  readonly wanted: string | null; // the only node that may be elected until then; null = any but the last leader
  readonly not: string | null;
  readonly until: number;
}

export interface ClusterState {
  readonly version: 1;
  readonly fence: number; // of the latest leader; 0 before the first
  readonly leader: Leadership | null;
  readonly called: CalledElection | null;
  readonly nodes: Readonly<Record<string, ClusterNode>>; // by node id
}

export const newCluster: ClusterState = { version: 1, fence: 0, leader: null, called: null, nodes: {} };

export type ClusterCommand =
  /** `yields`: the fence with which it led, now that it has stopped acting; named, because a heartbeat may come late. */
  | {
      readonly type: 'heartbeat';
      readonly node: Omit<ClusterNode, 'seenAt'>;
      readonly yields: number | null;
      readonly isHeld: boolean; // a request of the last leader is still being carried out: nobody is elected meanwhile
    }
  | { readonly type: 'leave'; readonly nodeId: string; readonly session: string }
  | { readonly type: 'elect'; readonly wanted: string | null };

export type ResignReason = 'expired' | 'yielded' | 'left';

export type ClusterEvent =
  | { readonly type: 'node.seen'; readonly node: ClusterNode }
  | { readonly type: 'node.left'; readonly nodeId: string }
  | { readonly type: 'election.called'; readonly called: CalledElection }
  | { readonly type: 'leader.elected'; readonly leader: Leadership }
  | { readonly type: 'leader.renewed'; readonly expiresAt: number }
  | {
      readonly type: 'leader.resigned';
      readonly nodeId: string;
      readonly fence: number;
      readonly reason: ResignReason;
    };
