// The one object that elects, as the HTTP routes see it: plain promises that reject with LoomError.

import type { ClusterNodes, Heartbeat } from '../../../shared/api/leadership.ts';
import type { HeartbeatAnswer } from '../../../shared/cluster/standing.ts';
import type { Env } from '../../env.ts';
import { valueOf } from '../answer.ts';
import type { Answer } from '../answer.ts';

export type HeartbeatOf = Heartbeat & { nodeId: string };

export interface ElectionsRpc {
  heartbeat(beat: HeartbeatOf): Promise<Answer<HeartbeatAnswer>>;
  leave(nodeId: string, session: string): Promise<Answer<ClusterNodes>>;
  /** Asks the leader to yield to `wanted`, or to anyone. */
  elect(wanted: string | null): Promise<Answer<ClusterNodes>>;
  view(): Promise<Answer<ClusterNodes>>;
}

export function elections(env: Env) {
  const stub = env.ELECTIONS.get(env.ELECTIONS.idFromName('cluster'));
  const rpc = stub as unknown as ElectionsRpc;
  return {
    heartbeat: (beat: HeartbeatOf) => valueOf(rpc.heartbeat(beat)),
    leave: (nodeId: string, session: string) => valueOf(rpc.leave(nodeId, session)),
    elect: (wanted: string | null) => valueOf(rpc.elect(wanted)),
    view: () => valueOf(rpc.view()),
    /** A request of someone who says that it leads. */
    carryOut: (request: Request) => stub.fetch(request),
  };
}
