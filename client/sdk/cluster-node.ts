// A program that takes part in leading a cluster. It sends heartbeats, believes that it leads only as long as the coordinator
// cannot have elected another (shared/cluster/standing.ts), and tells its owner when its role changes, one call at a time.

import type { ClusterNodes, Heartbeat } from '../../shared/api/leadership.ts';
import { clusterNodes, heartbeatAnswer, leaseBounds } from '../../shared/api/leadership.ts';
import { toHex } from '../../shared/bytes.ts';
import { heardAnswer, newStanding, roleAt } from '../../shared/cluster/standing.ts';
import type { Standing } from '../../shared/cluster/standing.ts';
import type { NodeRole } from '../../shared/cluster/types.ts';
import { LoomError } from '../../shared/errors.ts';
import { Bell } from '../timing/wait.ts';
import { Http } from './http.ts';
import type { HttpOptions } from './http.ts';

export interface JoinOptions {
  /** Name of this node: letters, digits, `.`, `_`, `-`. A later program of the same name replaces an earlier one. */
  nodeId: string;
  /** Watches and never leads. */
  observer?: boolean;
  /** A leader that is not heard of for so long is followed by another; 1,000 to 600,000, default 15,000. */
  leaseMs?: number;
  /** Milliseconds between heartbeats; default a third of the lease, 5,000 at most. */
  heartbeatMs?: number;
  now?: () => number;
}

/** Told of each change of role, in order; the next change waits until it resolves. */
export type OnRoleChange = (before: NodeRole, now: NodeRole) => void | Promise<void>;

/** Trying again cures none of these. */
const hopeless: ReadonlySet<string> = new Set(['unauthorized', 'forbidden', 'invalid_request', 'not_found']);

/** @template Client what asks the coordinator in this node's name: LoomOSClient */
export class ClusterNode<Client> {
  readonly nodeId: string;
  /** The coordinator, asked as leader: rejects with `conflict` when this node does not lead, also if it does not know that yet. */
  readonly client: Client;
  /** Resolves once it was stopped; rejects when it may not take part, or a role-change handler failed. */
  readonly done: Promise<void>;
  readonly #observer: boolean;
  readonly #leaseMs: number;
  readonly #heartbeatMs: number;
  readonly #now: () => number;
  readonly #http: Http;
  readonly #session = toHex(crypto.getRandomValues(new Uint8Array(16)));
  readonly #handlers = new Set<OnRoleChange>();
  readonly #changed = new Bell();
  #standing: Standing;
  #told: NodeRole; // what the handlers know
  #telling: Promise<void> = Promise.resolve();
  #yields: number | null = null;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #stopping = false;
  #failure: Error | null = null;

  /** Made by `LoomOSClient.joinCluster`. */
  constructor(http: HttpOptions, options: JoinOptions, clientWith: (fence: () => number) => Client) {
    const {
      nodeId,
      observer = false,
      leaseMs = 15_000,
      heartbeatMs = Math.min(leaseMs / 3, 5000),
      now = Date.now,
    } = options;
    if (!(leaseMs >= leaseBounds.minMs && leaseMs <= leaseBounds.maxMs))
      throw wrong('leaseMs', leaseMs, `${leaseBounds.minMs} to ${leaseBounds.maxMs}`);
    if (!(heartbeatMs > 0 && heartbeatMs <= leaseMs / 2))
      throw wrong('heartbeatMs', heartbeatMs, 'half a lease at most');
    this.nodeId = nodeId;
    this.#observer = observer;
    this.#leaseMs = leaseMs;
    this.#heartbeatMs = heartbeatMs;
    this.#now = now;
    this.#standing = newStanding(observer);
    this.#told = this.#standing.role;
    this.#http = new Http({ ...http, attempts: 1, timeoutMs: leaseMs }); // an answer later than that says nothing
    this.client = clientWith(() => this.#requireFence());
    this.done = this.#live();
    this.done.catch(() => undefined); // who does not look at it is told by its role
  }

  /** What this node is now. A leader that could not reach the coordinator for a lease leads no more. */
  get role(): NodeRole {
    return roleAt(this.#standing, this.#now());
  }

  /** Of the latest leader this node has heard of; its own while it leads. Grows with every leader: pass it on to what you write to. */
  get fence(): number {
    return this.#standing.fence;
  }

  /** Calls `handler` at each change of role from now on. Returns a function that ends that. */
  onRoleChange(handler: OnRoleChange): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  /** Asks the leader, which may be this node, to yield to another. @throws LoomError `conflict` when no other could lead */
  async triggerElection(): Promise<ClusterNodes> {
    const request = { method: 'POST', path: '/cluster/elections', body: '{}', isUnsafe: true } as const;
    const nodes = await this.#http.json(clusterNodes, request);
    this.#changed.ring();
    return nodes;
  }

  /** Leaves: stops leading, waits for the handlers (so none may wait for this), and says goodbye: another leads at once. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#changed.ring();
    await this.done;
  }

  async #live(): Promise<void> {
    while (!this.#stopping && this.#failure === null) {
      const isToYield = await this.#beat();
      if (!isToYield && !this.#stopping) await this.#changed.wait(this.#heartbeatMs);
    }
    clearTimeout(this.#expiry);
    this.#become({ ...newStanding(this.#observer), fence: this.#standing.fence });
    await this.#telling;
    const body = JSON.stringify({ session: this.#session });
    const path = `/cluster/nodes/${encodeURIComponent(this.nodeId)}/leave`;
    await this.#http.send({ method: 'POST', path, body }).catch(() => undefined); // else the lease runs out
    if (this.#failure !== null) throw this.#failure;
  }

  /** One heartbeat. Returns whether the next one is due at once, because this node has stopped leading and says so. */
  async #beat(): Promise<boolean> {
    const sentAt = this.#now();
    const beat: Heartbeat = {
      session: this.#session,
      observer: this.#observer,
      leaseMs: this.#leaseMs,
      yields: this.#yields,
    };
    const path = `/cluster/nodes/${encodeURIComponent(this.nodeId)}/heartbeat`;
    try {
      const answer = await this.#http.json(heartbeatAnswer, { method: 'POST', path, body: JSON.stringify(beat) });
      this.#become(heardAnswer(answer, sentAt, this.#leaseMs));
      this.#yields = answer.isAskedToYield ? answer.fence : null;
    } catch (error) {
      if (error instanceof LoomError && hopeless.has(error.code)) this.#failure = error;
      return false; // else tried again; a leader's lease runs out meanwhile
    }
    if (this.#yields === null) return false;
    await this.#telling; // the next leader waits until this one has stopped
    return true;
  }

  #become(standing: Standing): void {
    this.#standing = standing;
    clearTimeout(this.#expiry);
    const leftMs = standing.validUntil - this.#now();
    if (standing.role === 'leader') this.#expiry = setTimeout(() => this.#tell(), Math.max(0, leftMs) + 1);
    this.#tell();
  }

  /** Tells the handlers what changed since they were told last. */
  #tell(): void {
    const [before, now] = [this.#told, this.role];
    if (before === now) return;
    this.#told = now;
    this.#telling = this.#tellAfter(this.#telling, before, now);
  }

  async #tellAfter(earlier: Promise<void>, before: NodeRole, now: NodeRole): Promise<void> {
    await earlier;
    try {
      for (const handler of this.#handlers) await handler(before, now);
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#changed.ring();
    }
  }

  #requireFence(): number {
    if (this.role === 'leader') return this.#standing.fence;
    throw new LoomError('conflict', `${this.nodeId} does not lead the cluster`, {
      where: 'fence',
      allowed: 'the leader',
    });
  }
}

function wrong(where: string, value: number, allowed: string): LoomError {
  return new LoomError('invalid_request', `${where} cannot be ${value}`, { where, allowed });
}
