// PeerJS signalling: introduces the workers of a job to each other, so that they can open WebRTC connections. One Durable
// Object a job, or several of a large one (shards.ts): a peer's socket is where its id says, and what is meant for a peer of
// another object is handed on there. Peers of different jobs never talk, so that a busy job cannot slow down another's.

import { DurableObject } from 'cloudflare:workers';
import { LoomError } from '../../shared/errors.ts';
import type { Env } from '../env.ts';
import { Alarm } from './alarm.ts';
import { take } from '../security/bucket.ts';
import type { Bucket } from '../security/bucket.ts';
import { parseShardName, shardName, shardOf } from './door/shards.ts';
import type { Shard } from './door/shards.ts';
import { heartbeat, parseSignal } from './signal.ts';
import type { ClientSignal, ServerSignal, SignalClient } from './signal.ts';

const maxSockets = 2_000;
const silenceMs = 90_000;
/** A message for a peer that is not here waits this long, then its sender hears EXPIRE. */
const queueMs = 5_000;
const maxQueued = 1_000;
/** Dialling a peer takes an offer and some ten candidates. */
const rate = { perSecond: 100, burst: 2_000 };
/** Candidates come in bursts: those for another object go there together. */
const gatherMs = 20;

interface Session extends SignalClient {
  seenAt: number;
}

type Relayed = Extract<ServerSignal, { src: string }>;

/** What the objects of a job ask of each other. */
export interface SignallingRpc {
  relay(signals: readonly Relayed[]): Promise<void>;
}

export class Signalling extends DurableObject<Env> implements SignallingRpc {
  readonly #sql: SqlStorage;
  readonly #shard: Shard;
  readonly #outgoing = new Map<number, Relayed[]>(); // by shard
  readonly #alarm: Alarm;
  readonly #buckets = new WeakMap<WebSocket, Bucket>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#alarm = new Alarm(ctx.storage);
    this.#shard = parseShardName(ctx.id.name ?? '');
    this.#sql.exec(
      'create table if not exists queued (id integer primary key, src text not null, dst text not null, json text not null, expires_at integer not null)',
    );
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(heartbeat, heartbeat));
  }

  override async fetch(request: Request): Promise<Response> {
    const { id, token } = Object.fromEntries(new URL(request.url).searchParams) as unknown as SignalClient; // the route parsed them
    const { 0: client, 1: server } = new WebSocketPair();
    const older = this.#socketOf(id);
    if (older !== null && sessionOf(older).token !== token)
      return refuse(server, client, { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } });
    if (this.ctx.getWebSockets().length >= maxSockets)
      return refuse(server, client, {
        type: 'ERROR',
        payload: { msg: 'Server has reached its concurrent user limit' },
      });
    if (older !== null) this.#drop(older, 'a newer connection of this peer replaced this one');
    this.ctx.acceptWebSocket(server, [id]);
    server.serializeAttachment({ id, token, seenAt: Date.now() } satisfies Session);
    send(server, { type: 'OPEN' });
    this.#deliverQueued(id, server);
    await this.#alarm.by(Date.now() + silenceMs);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const session = sessionOf(socket);
    socket.serializeAttachment({ ...session, seenAt: Date.now() } satisfies Session);
    try {
      const bucket = take(this.#buckets.get(socket) ?? null, rate, Date.now());
      if (bucket === null) throw new LoomError('rate_limited', 'too many signals');
      this.#buckets.set(socket, bucket);
      await this.#handle(socket, session.id, parseSignal(data));
    } catch (error) {
      if (!(error instanceof LoomError)) throw error;
      send(socket, { type: 'ERROR', payload: { msg: `${error.code}: ${error.message}` } });
      this.#drop(socket, error.code);
    }
  }

  override webSocketClose(socket: WebSocket): void {
    this.#drop(socket, '');
  }

  override webSocketError(socket: WebSocket): void {
    this.#drop(socket, '');
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#alarm.rang();
    for (const socket of this.ctx.getWebSockets())
      if (this.#heardAt(socket) + silenceMs <= now) this.#drop(socket, 'silent for too long');
    await this.#expireQueued(now);
    await this.#alarm.by(this.#nextAlarm());
  }

  async relay(signals: readonly Relayed[]): Promise<void> {
    for (const signal of signals) await this.#pass(signal);
  }

  /** `src` is always who sent it, whatever the message claims. */
  async #handle(socket: WebSocket, src: string, signal: ClientSignal): Promise<void> {
    if (signal.type === 'HEARTBEAT') return;
    if (signal.dst === undefined) return this.#drop(socket, 'left');
    const isTaken = await this.#send({ type: signal.type, src, dst: signal.dst, payload: signal.payload });
    if (!isTaken) throw new LoomError('rate_limited', 'too many signals for absent peers');
  }

  /** To a peer wherever it is. False when too many wait for absent ones. */
  async #send(signal: Relayed): Promise<boolean> {
    const there = shardOf(signal.dst, this.#shard.shards);
    if (there === this.#shard.index) return this.#pass(signal);
    this.#handOn(there, signal);
    return true;
  }

  /** To a peer whose socket is here, or should be. */
  async #pass(signal: Relayed): Promise<boolean> {
    const target = this.#socketOf(signal.dst);
    if (target !== null) send(target, signal);
    else if (signal.type !== 'LEAVE' && signal.type !== 'EXPIRE') return this.#queue(signal);
    return true;
  }

  #handOn(shard: number, signal: Relayed): void {
    const waiting = this.#outgoing.get(shard);
    if (waiting !== undefined) return void waiting.push(signal);
    this.#outgoing.set(shard, [signal]);
    this.ctx.waitUntil(this.#sendLater(shard));
  }

  /** One call at a time, so that all arrives in order. What does not arrive is lost, as on a wire: whoever dials tries again. */
  async #sendLater(shard: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    const name = shardName({ ...this.#shard, index: shard });
    const rpc = this.env.SIGNALLING.get(this.env.SIGNALLING.idFromName(name)) as unknown as SignallingRpc;
    const waiting = this.#outgoing.get(shard)!;
    try {
      while (waiting.length > 0) await rpc.relay(waiting.splice(0));
    } catch (error) {
      console.error(`${name} could not be reached`, error);
    }
    this.#outgoing.delete(shard);
  }

  async #queue(signal: Relayed): Promise<boolean> {
    const { queued } = this.#sql.exec<{ queued: number }>('select count(*) as queued from queued').one();
    if (queued >= maxQueued) return false;
    const expiresAt = Date.now() + queueMs;
    this.#sql.exec(
      'insert into queued (src, dst, json, expires_at) values (?, ?, ?, ?)',
      signal.src,
      signal.dst,
      JSON.stringify(signal),
      expiresAt,
    );
    await this.#alarm.by(expiresAt);
    return true;
  }

  #deliverQueued(id: string, socket: WebSocket): void {
    const rows = this.#sql.exec<{ json: string }>('select json from queued where dst = ? order by id', id).toArray();
    for (const { json } of rows) socket.send(json);
    if (rows.length > 0) this.#sql.exec('delete from queued where dst = ?', id);
  }

  /** Each sender hears once about each peer that did not come. */
  async #expireQueued(now: number): Promise<void> {
    const rows = this.#sql
      .exec<{ src: string; dst: string }>('select distinct src, dst from queued where expires_at <= ?', now)
      .toArray();
    for (const { src, dst } of rows) {
      this.#sql.exec('delete from queued where src = ? and dst = ?', src, dst);
      await this.#send({ type: 'EXPIRE', src: dst, dst: src });
    }
  }

  #nextAlarm(): number | null {
    const { first } = this.#sql.exec<{ first: number | null }>('select min(expires_at) as first from queued').one();
    const silent = this.ctx.getWebSockets().map((socket) => this.#heardAt(socket) + silenceMs);
    const next = Math.min(first ?? Infinity, ...silent);
    return next === Infinity ? null : next;
  }

  #heardAt(socket: WebSocket): number {
    return Math.max(sessionOf(socket).seenAt, this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }

  #socketOf(id: string): WebSocket | null {
    return this.ctx.getWebSockets(id).find(({ readyState }) => readyState === WebSocket.OPEN) ?? null;
  }

  #drop(socket: WebSocket, reason: string): void {
    if (socket.readyState !== WebSocket.CLOSED) socket.close(1000, reason);
  }
}

/** PeerJS is told what is wrong over an open socket, then hung up on. */
export function refuse(server: WebSocket, client: WebSocket, signal: ServerSignal): Response {
  server.accept();
  send(server, signal);
  server.close(1008, signal.type);
  return new Response(null, { status: 101, webSocket: client });
}

function send(socket: WebSocket, signal: ServerSignal): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(signal));
}

function sessionOf(socket: WebSocket): Session {
  return socket.deserializeAttachment() as Session;
}
