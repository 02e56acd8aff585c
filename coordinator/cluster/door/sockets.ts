// The sockets of a room or of a gate. Cloudflare may put the object to sleep and keep its sockets, so what must be known about
// one is in its attachment, and the index by worker is rebuilt when the object wakes.

import { pingText, pongText, protocolVersion, silenceMs } from '../../../shared/protocol/messages.ts';
import type { RoomMessage } from '../../../shared/protocol/messages.ts';
import { inVersion } from '../../../shared/protocol/version.ts';

/** A socket that has not said a valid hello by then is closed. */
const helloTimeoutMs = 10_000;
const sweepMs = silenceMs / 3;

export const closeCodes = {
  restart: 1012,
  refused: 4400,
  unauthorized: 4401,
  silent: 4408,
  replaced: 4409,
  left: 4410,
} as const;

/** What a room may answer a hello with. Anything else that comes before it was meant for an earlier connection. */
const answersHello: ReadonlySet<RoomMessage['type']> = new Set(['welcome', 'finish', 'refused'] as const);

interface Session {
  workerId: string | null; // null until hello
  isWelcome: boolean; // the room has answered the hello
  version: number; // of the protocol, once it has said hello
  openedAt: number;
  seenAt: number;
}

export class Sockets {
  readonly #ctx: DurableObjectState;
  readonly #byWorker = new Map<string, WebSocket>();
  #sweepAt: number | null = null; // null: to be found out

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
    for (const socket of ctx.getWebSockets()) {
      const { workerId } = sessionOf(socket);
      if (workerId !== null) this.#byWorker.set(workerId, socket); // one that closed meanwhile: its close event follows
    }
  }

  get count(): number {
    return this.#ctx.getWebSockets().length;
  }

  /** Whether no worker has identified itself. */
  get hasNobody(): boolean {
    return this.#byWorker.size === 0;
  }

  has(workerId: string): boolean {
    return this.#byWorker.has(workerId);
  }

  accept(socket: WebSocket, now: number): void {
    this.#ctx.acceptWebSocket(socket);
    attach(socket, { ...stranger, openedAt: now, seenAt: now });
    this.#sweepAt = Math.min(this.#sweepAt ?? Infinity, now + helloTimeoutMs);
  }

  workerOf(socket: WebSocket): string | null {
    return sessionOf(socket).workerId;
  }

  /** From now on the socket speaks for the worker; an older one of the same worker is closed without a word to the room. */
  identify(socket: WebSocket, workerId: string, version: number): void {
    const older = this.#byWorker.get(workerId);
    if (older !== undefined && older !== socket) {
      attach(older, { ...sessionOf(older), workerId: null });
      close(older, closeCodes.replaced, 'a newer connection of this worker replaced this one');
    }
    attach(socket, { ...sessionOf(socket), workerId, version, isWelcome: false });
    this.#byWorker.set(workerId, socket);
  }

  heard(socket: WebSocket, now: number): void {
    attach(socket, { ...sessionOf(socket), seenAt: now });
  }

  send(workerIds: readonly string[], message: RoomMessage): void {
    const texts = new Map<number, string[]>(); // by version: most workers share one
    for (const workerId of workerIds) {
      const socket = this.#byWorker.get(workerId);
      if (socket === undefined) continue;
      const session = sessionOf(socket);
      if (!session.isWelcome && !answersHello.has(message.type)) continue;
      if (message.type === 'welcome') attach(socket, { ...session, isWelcome: true });
      const { version } = session;
      const said = texts.get(version) ?? inVersion(version, message).map((words) => JSON.stringify(words));
      texts.set(version, said);
      for (const text of said) sendText(socket, text);
    }
  }

  /** Closes the socket of a worker, if it has one here. */
  disconnect(workerId: string, code: number, reason: string): void {
    const socket = this.#byWorker.get(workerId);
    if (socket !== undefined) this.drop(socket, code, reason);
  }

  /** Closes a socket and forgets it. Returns the worker it spoke for, or null. */
  drop(socket: WebSocket, code: number, reason: string): string | null {
    const { workerId } = sessionOf(socket);
    attach(socket, { ...sessionOf(socket), workerId: null });
    close(socket, code, reason);
    if (workerId === null || this.#byWorker.get(workerId) !== socket) return null;
    this.#byWorker.delete(workerId);
    return workerId;
  }

  dropAll(code: number, reason: string): void {
    for (const socket of this.#ctx.getWebSockets()) this.drop(socket, code, reason);
  }

  /** Closes the sockets that were silent for too long; returns the workers that are thereby gone. */
  sweep(now: number): string[] {
    const gone: string[] = [];
    for (const socket of this.#ctx.getWebSockets()) {
      if (now < this.#deadline(socket)) continue;
      const code = sessionOf(socket).workerId === null ? closeCodes.unauthorized : closeCodes.silent;
      const workerId = this.drop(socket, code, code === closeCodes.silent ? 'silent for too long' : 'no hello in time');
      if (workerId !== null) gone.push(workerId);
    }
    this.#sweepAt = null;
    return gone;
  }

  /** When to sweep next, or null without sockets. Looks at all of them only after a sweep: it is asked at every message. */
  nextSweep(now: number): number | null {
    this.#sweepAt ??= this.#findNextSweep(now);
    return this.#sweepAt === Infinity ? null : this.#sweepAt;
  }

  #findNextSweep(now: number): number {
    const open = this.#ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
    if (open.length === 0) return Infinity;
    const unknown = open.filter((socket) => sessionOf(socket).workerId === null);
    return Math.min(now + sweepMs, ...unknown.map((socket) => this.#deadline(socket)));
  }

  #deadline(socket: WebSocket): number {
    const { workerId, openedAt, seenAt } = sessionOf(socket);
    if (workerId === null) return openedAt + helloTimeoutMs;
    const pingAt = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(seenAt, pingAt) + silenceMs;
  }
}

/** Why a socket closed, in words that people read. Browsers say 1001 of a page that was closed, 1006 of a broken line. */
export function closeReason(code: number, reason: string): string {
  if (reason !== '') return reason;
  if (code === 1000 || code === 1001) return 'it closed its connection';
  return code === 1005 || code === 1006 ? 'connection lost' : `connection closed (${code})`;
}

export function sendTo(socket: WebSocket, message: RoomMessage): void {
  sendText(socket, JSON.stringify(message));
}

/** A socket that closed meanwhile is no error: its close event follows. */
function sendText(socket: WebSocket, text: string): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
}

function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  socket.close(code, reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 120)); // 123 bytes are allowed
}

function attach(socket: WebSocket, session: Session): void {
  socket.serializeAttachment(session);
}

const stranger: Session = { workerId: null, isWelcome: false, version: protocolVersion, openedAt: 0, seenAt: 0 };

function sessionOf(socket: WebSocket): Session {
  return (socket.deserializeAttachment() as Session | null) ?? stranger;
}
