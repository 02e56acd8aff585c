// Which node leads the cluster: a Durable Object, of which there is one in the world at a time, runs shared/cluster. So two
// leaders cannot be elected with one fence, and no consensus among nodes is needed.
//
// A leader's request passes through here: it is carried out only while its fence is the leader's, and nobody is elected
// until it is done. A leader that slept, or was cut off, learns from the refusal that it leads no more.

import { DurableObject } from 'cloudflare:workers';
import type { ClusterNodes } from '../../../shared/api/leadership.ts';
import { fenceHeader, fenceText } from '../../../shared/api/leadership.ts';
import { decide, isAlive, isAskedToYield } from '../../../shared/cluster/decide.ts';
import { leaderAt, roleOf } from '../../../shared/cluster/fold.ts';
import type { HeartbeatAnswer } from '../../../shared/cluster/standing.ts';
import { newCluster } from '../../../shared/cluster/types.ts';
import type { ClusterCommand, ClusterEvent, ClusterState } from '../../../shared/cluster/types.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { Env } from '../../env.ts';
import { api } from '../../http/api.ts';
import { parseRequest } from '../../http/app.ts';
import { errorResponse } from '../../http/errors.ts';
import type { LedgerEntry } from '../../ledger/append.ts';
import { ledger } from '../../ledger/writer.ts';
import { answer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import type { ElectionsRpc, HeartbeatOf } from './election-office.ts';

/** What is stored: the state, and events on their way to the ledger. */
interface Stored {
  state: ClusterState;
  unrecorded: LedgerEntry[];
}

export class Elections extends DurableObject<Env> implements ElectionsRpc {
  #stored: Stored = { state: newCluster, unrecorded: [] };
  #underWay = 0; // requests of the leader that are being carried out

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#stored = (await ctx.storage.get<Stored>('cluster')) ?? this.#stored;
    });
  }

  heartbeat({ yields, ...node }: HeartbeatOf): Promise<Answer<HeartbeatAnswer>> {
    return answer(async () => {
      await this.#run({ type: 'heartbeat', node, yields, isHeld: this.#underWay > 0 });
      return this.#answerTo(node);
    });
  }

  leave(nodeId: string, session: string): Promise<Answer<ClusterNodes>> {
    return answer(async () => {
      await this.#run({ type: 'leave', nodeId, session });
      return this.#view();
    });
  }

  elect(wanted: string | null): Promise<Answer<ClusterNodes>> {
    return answer(async () => {
      await this.#run({ type: 'elect', wanted });
      return this.#view();
    });
  }

  view(): Promise<Answer<ClusterNodes>> {
    return answer(() => this.#view());
  }

  /** A leader's request, with its fence in the header. */
  override async fetch(request: Request): Promise<Response> {
    this.#underWay += 1;
    try {
      this.#requireLeader(request.headers.get(fenceHeader));
      const headers = new Headers(request.headers);
      headers.delete(fenceHeader);
      return await api.fetch(new Request(request, { headers }), this.env);
    } catch (error) {
      if (error instanceof LoomError) return errorResponse(error);
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  #requireLeader(header: string | null): void {
    const fence = parseRequest(fenceText, header, fenceHeader);
    const leader = leaderAt(this.#stored.state, Date.now());
    if (leader?.fence === fence) return;
    const allowed = leader === null ? 'nobody leads now' : `${leader.fence}, held by ${leader.nodeId}`;
    throw new LoomError('conflict', `the leadership with fence ${fence} is over`, { where: fenceHeader, allowed });
  }

  /** What happened is stored, and in the ledger, before anyone learns of it. */
  async #run(command: ClusterCommand): Promise<void> {
    const { state, events } = decide(this.#stored.state, command, Date.now());
    this.#store({ state, unrecorded: [...this.#stored.unrecorded, ...events.flatMap(entryOf)] });
    const { unrecorded } = this.#stored;
    if (unrecorded.length === 0) return;
    await this.#record(unrecorded);
    const recorded = new Set(unrecorded.map(({ key }) => key));
    this.#store({ ...this.#stored, unrecorded: this.#stored.unrecorded.filter(({ key }) => !recorded.has(key)) });
  }

  async #record(entries: readonly LedgerEntry[]): Promise<void> {
    try {
      await ledger(this.env).append(entries);
    } catch (cause) {
      throw new LoomError('unavailable', 'the ledger cannot be reached, so nobody is told who leads', { cause });
    }
  }

  /** Not awaited: nothing leaves the object before it is written. */
  #store(stored: Stored): void {
    this.#stored = stored;
    void this.ctx.storage.put('cluster', stored);
  }

  #answerTo({ nodeId, session, observer }: Pick<HeartbeatOf, 'nodeId' | 'session' | 'observer'>): HeartbeatAnswer {
    const { state } = this.#stored;
    const leader = leaderAt(state, Date.now());
    const leads = leader?.nodeId === nodeId && leader.session === session;
    const role = leads ? 'leader' : observer ? 'observer' : 'follower';
    return { role, fence: state.fence, leader: leader?.nodeId ?? null, isAskedToYield: leads && isAskedToYield(state) };
  }

  #view(): ClusterNodes {
    const { state } = this.#stored;
    const now = Date.now();
    const nodes = Object.values(state.nodes).map((node) => ({
      nodeId: node.nodeId,
      role: roleOf(state, node.nodeId, now),
      present: isAlive(node, now),
      seenAt: node.seenAt,
      leaseMs: node.leaseMs,
    }));
    const isElecting = state.called !== null && now < state.called.until;
    return { fence: state.fence, leader: leaderAt(state, now)?.nodeId ?? null, isElecting, nodes };
  }
}

/** Who led when belongs into the ledger; heartbeats do not. */
function entryOf(event: ClusterEvent): LedgerEntry[] {
  if (event.type === 'leader.elected') {
    const { nodeId, fence } = event.leader;
    return [{ key: `cluster/elected/${fence}`, event: { ...common, type: event.type, data: { nodeId, fence } } }];
  }
  if (event.type !== 'leader.resigned') return [];
  const { type, ...data } = event;
  return [{ key: `cluster/resigned/${data.fence}`, event: { ...common, type, data } }];
}

const common = { version: 1, subject: 'cluster' } as const;
