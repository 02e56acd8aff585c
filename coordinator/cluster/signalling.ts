// PeerJS signalling: introduces the workers of a job to each other, so that they can open WebRTC connections. One Durable
// Object a job, named by its id, which is also PeerJS's `key`: peers of different jobs never talk, so no object ever holds
// more sockets than a job has workers, and a busy job cannot slow down another's.

import { DurableObject } from 'cloudflare:workers';
import { LoomError } from '../../shared/errors.ts';
import type { Env } from '../env.ts';
import { take } from '../security/bucket.ts';
import type { Bucket } from '../security/bucket.ts';
import { heartbeat, parseSignal } from './signal.ts';
import type { ClientSignal, ServerSignal, SignalClient } from './signal.ts';

const maxSockets = 2_000;
const silenceMs = 90_000;
/** A message for a peer that is not here waits this long, then its sender hears EXPIRE. */
const queueMs = 5_000;
const maxQueued = 1_000;
/** Dialling a peer takes an offer and some ten candidates. */
const rate = { perSecond: 100, burst: 2_000 };

interface Session extends SignalClient {
  seenAt: number;
}

type Relayed = Extract<ServerSignal, { src: string }>;

export class Signalling extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #buckets = new WeakMap<WebSocket, Bucket>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
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
    await this.#setAlarm();
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const session = sessionOf(socket);
    socket.serializeAttachment({ ...session, seenAt: Date.now() } satisfies Session);
    try {
      const bucket = take(this.#buckets.get(socket) ?? null, rate, Date.now());
      if (bucket === null) throw new LoomError('rate_limited', 'too many signals');
      this.#buckets.set(socket, bucket);
      this.#handle(socket, session.id, parseSignal(data));
    } catch (error) {
      if (!(error instanceof LoomError)) throw error;
      send(socket, { type: 'ERROR', payload: { msg: `${error.code}: ${error.message}` } });
      this.#drop(socket, error.code);
    }
    await this.#setAlarm();
  }

  override webSocketClose(socket: WebSocket): void {
    this.#drop(socket, '');
  }

  override webSocketError(socket: WebSocket): void {
    this.#drop(socket, '');
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const socket of this.ctx.getWebSockets())
      if (this.#heardAt(socket) + silenceMs <= now) this.#drop(socket, 'silent for too long');
    this.#expireQueued(now);
    await this.#setAlarm();
  }

  /** `src` is always who sent it, whatever the message claims. */
  #handle(socket: WebSocket, src: string, signal: ClientSignal): void {
    if (signal.type === 'HEARTBEAT') return;
    if (signal.dst === undefined) return this.#drop(socket, 'left');
    const relayed: Relayed = { type: signal.type, src, dst: signal.dst, payload: signal.payload };
    const target = this.#socketOf(signal.dst);
    if (target !== null) send(target, relayed);
    else if (signal.type !== 'LEAVE' && signal.type !== 'EXPIRE') this.#queue(relayed);
  }

  #queue(signal: Relayed): void {
    const { queued } = this.#sql.exec<{ queued: number }>('select count(*) as queued from queued').one();
    if (queued >= maxQueued) throw new LoomError('rate_limited', 'too many signals for absent peers');
    this.#sql.exec(
      'insert into queued (src, dst, json, expires_at) values (?, ?, ?, ?)',
      signal.src,
      signal.dst,
      JSON.stringify(signal),
      Date.now() + queueMs,
    );
  }

  #deliverQueued(id: string, socket: WebSocket): void {
    const rows = this.#sql.exec<{ json: string }>('select json from queued where dst = ? order by id', id).toArray();
    for (const { json } of rows) socket.send(json);
    if (rows.length > 0) this.#sql.exec('delete from queued where dst = ?', id);
  }

  /** Each sender hears once about each peer that did not come. */
  #expireQueued(now: number): void {
    const rows = this.#sql
      .exec<{ src: string; dst: string }>('select distinct src, dst from queued where expires_at <= ?', now)
      .toArray();
    for (const { src, dst } of rows) {
      const sender = this.#socketOf(src);
      if (sender !== null) send(sender, { type: 'EXPIRE', src: dst, dst: src });
      this.#sql.exec('delete from queued where src = ? and dst = ?', src, dst);
    }
  }

  async #setAlarm(): Promise<void> {
    const { first } = this.#sql.exec<{ first: number | null }>('select min(expires_at) as first from queued').one();
    const silent = this.ctx.getWebSockets().map((socket) => this.#heardAt(socket) + silenceMs);
    const next = Math.min(first ?? Infinity, ...silent);
    if (next < Infinity) await this.ctx.storage.setAlarm(next);
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
