// The worker's line to the room of its job: typed messages, pings, and coming back by itself. It keeps no outbox: whatever a
// lost connection may have swallowed, both sides say again after the next welcome.

import { LoomError, describeError } from '../../../shared/errors.ts';
import type { ErrorBody, ErrorCode } from '../../../shared/errors.ts';
import { parseRoomMessage, pingText, pongText } from '../../../shared/protocol/messages.ts';
import type { RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import { backoffMs } from '../../timing/backoff.ts';

type Hello = Extract<WorkerMessage, { type: 'hello' }>;

const pingMs = 20_000;
/** No word for so long, not even an answer to a ping: the line is dead, whatever the system thinks. */
const silenceMs = 45_000;
const openTimeoutMs = 15_000;
const maxRetryMs = 5_000; // a round waits for those who were there
/** Close code of a room that has a newer connection of the same worker. */
const replacedCode = 4409;

/** Refusals that a new connection cannot cure. */
const fatal: ReadonlySet<string> = new Set(['unauthorized', 'forbidden', 'unsupported_version']);

export interface RoomSocketEvents {
  /** Says who we are; asked for at every connection. */
  hello(): Hello;
  onMessage(message: RoomMessage): void;
  /** The line is gone; it comes back by itself. */
  onLost(reason: string): void;
  /** The room will not have us. Nothing more comes. */
  onRefused(error: LoomError): void;
}

export class RoomSocket {
  private readonly url: URL;
  private readonly events: RoomSocketEvents;
  private readonly random: () => number;
  private socket: WebSocket | null = null;
  private attempt = 0;
  private heardAt = 0;
  private readonly pulse: ReturnType<typeof setInterval>;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(url: URL, events: RoomSocketEvents, random: () => number) {
    this.url = url;
    this.events = events;
    this.random = random;
    this.pulse = setInterval(() => this.ping(), pingMs);
    this.connect();
  }

  /** Sends if the line is open; else the message is lost and will be said again. */
  send(message: WorkerMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close(): void {
    this.closed = true;
    clearInterval(this.pulse);
    clearTimeout(this.retry);
    this.socket?.close(1000);
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    const timer = setTimeout(() => this.lose(socket, 'no answer'), openTimeoutMs);
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      this.heardAt = Date.now();
      this.send(this.events.hello());
    });
    socket.addEventListener('message', ({ data }) => this.receive(socket, data));
    socket.addEventListener('close', ({ code, reason }) => {
      clearTimeout(timer);
      if (code === replacedCode && socket === this.socket)
        this.refuse(new LoomError('conflict', 'another process works under the same worker id'));
      else this.lose(socket, reason || 'connection closed');
    });
    socket.addEventListener('error', () => undefined); // a close follows
  }

  private receive(socket: WebSocket, data: unknown): void {
    if (this.closed || socket !== this.socket) return;
    this.heardAt = Date.now();
    if (data === pongText) return;
    let message: RoomMessage;
    try {
      message = parseRoomMessage(String(data));
    } catch (error) {
      return this.lose(socket, `the coordinator said something unexpected: ${describeError(error)}`);
    }
    if (message.type === 'welcome') this.attempt = 0;
    if (message.type === 'refused' && fatal.has(message.code)) {
      return this.refuse(LoomError.from({ ...message, code: message.code as ErrorCode } as ErrorBody));
    }
    this.events.onMessage(message);
  }

  private ping(): void {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.heardAt > silenceMs) this.lose(socket, 'the coordinator is silent');
    else socket.send(pingText);
  }

  private lose(socket: WebSocket, reason: string): void {
    if (this.closed || socket !== this.socket) return;
    this.socket = null;
    socket.close();
    this.events.onLost(reason);
    this.retry = setTimeout(() => this.connect(), backoffMs(this.attempt++, this.random, 250, maxRetryMs));
  }

  private refuse(error: LoomError): void {
    if (this.closed) return;
    this.close();
    this.events.onRefused(error);
  }
}
