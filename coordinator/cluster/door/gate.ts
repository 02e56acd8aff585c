// A gate: one of the objects that hold the sockets of a large job, each about a thousand, so that its room, the only writer,
// hears a few calls a second whatever the number of workers. It decides nothing and stores nothing.
//
// What came in goes to the room in one call at a time, in order. A call that fails may or may not have arrived: then all
// workers of this gate are hung up on, come back, and both sides say again what may be lost, as after a restart of the room.

import { DurableObject } from 'cloudflare:workers';
import type { RoomEvent } from '../../../shared/rounds/types.ts';
import { LoomError } from '../../../shared/errors.ts';
import { database } from '../../db/database.ts';
import type { Env } from '../../env.ts';
import { secretOf } from '../../http/auth.ts';
import { recordOf } from '../../market/reputation.ts';
import { errorResponse } from '../../http/errors.ts';
import { Alarm } from '../alarm.ts';
import { Doorway } from './doorway.ts';
import type { GateAnswer, GateReport, GateRpc } from './gates.ts';
import type { Delivery } from '../outbox.ts';
import { room } from '../room/rooms.ts';
import { parseShardName, shardName, shardOf } from './shards.ts';
import type { Shard } from './shards.ts';
import { closeReason } from './sockets.ts';

/** Where few workers are, what they say goes on at once. */
const gatherFrom = 32; // sockets
const gatherMs = 200;
/** Characters of one call's messages; 32 MiB are allowed. */
const maxBatchLength = 4_000_000;
const retryMs = 5_000;

export class Gate extends DurableObject<Env> implements GateRpc {
  readonly #shard: Shard;
  readonly #doorway: Doorway;
  readonly #alarm: Alarm;
  #events: { event: RoomEvent; length: number }[] = [];
  #isFresh: boolean;
  #reporting: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shard = parseShardName(ctx.id.name ?? '');
    this.#doorway = new Doorway(ctx, {
      secret: () => secretOf(env),
      isOurs: (workerId) => shardOf(workerId, this.#shard.shards) === this.#shard.index,
      recordOf: (workerId) => recordOf(database(env.DB), workerId, Date.now()),
      tell: (event, length) => this.#events.push({ event, length }),
    });
    this.#alarm = new Alarm(ctx.storage);
    this.#isFresh = this.#doorway.hasNobody;
  }

  async deliver(steps: readonly Delivery[]): Promise<void> {
    for (const step of steps) this.#doorway.deliver(step);
    if (this.#events.length > 0) this.ctx.waitUntil(this.#report()); // those it was to hang up on are gone
  }

  async restart(): Promise<void> {
    this.#hangUp();
    this.ctx.waitUntil(this.#report());
  }

  override async fetch(): Promise<Response> {
    try {
      const response = this.#doorway.accept(Date.now());
      await this.#alarm.by(this.#doorway.nextSweep(Date.now()));
      return response;
    } catch (error) {
      if (error instanceof LoomError) return errorResponse(error);
      throw error;
    }
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    await this.#doorway.hear(socket, data);
    await this.#report();
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    this.#doorway.lost(socket, closeReason(code, reason));
    return this.#report();
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    this.#doorway.lost(socket, 'connection lost');
    return this.#report();
  }

  /** Also the first thing that happens to a gate that died and whose workers do not come back. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    this.#doorway.sweep(Date.now());
    await this.#report();
    await this.#alarm.by(this.#doorway.nextSweep(Date.now()));
  }

  /** Tells the room what has come in, until nothing is left. */
  #report(): Promise<void> {
    this.#reporting ??= this.#reportAll().finally(() => {
      this.#reporting = null;
    });
    return this.#reporting;
  }

  async #reportAll(): Promise<void> {
    while (this.#events.length > 0 || this.#isFresh) {
      await sleep(this.#doorway.count < gatherFrom ? 0 : gatherMs);
      const report = { gate: this.#shard.index, isFresh: this.#isFresh, events: this.#nextBatch() };
      this.#isFresh = false;
      const answer = await this.#tell(report);
      if (answer === 'taken') continue;
      this.#hangUp();
      if (answer === null) return this.#alarm.by(Date.now() + retryMs);
    }
  }

  #nextBatch(): RoomEvent[] {
    let total = 0;
    const end = this.#events.findIndex(({ length }) => (total += length) > maxBatchLength);
    const batch = this.#events.splice(0, end === -1 ? this.#events.length : Math.max(1, end));
    return batch.map(({ event }) => event);
  }

  /** Null when the room could not be reached, or died over it. */
  async #tell(report: GateReport): Promise<GateAnswer | null> {
    try {
      return await room(this.env, this.#shard.jobId).takeFromGate(report);
    } catch (error) {
      console.error(`${shardName(this.#shard)}: the room could not be told`, error);
      return null;
    }
  }

  #hangUp(): void {
    this.#doorway.restart();
    this.#events = [];
    this.#isFresh = true;
  }
}

function sleep(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
