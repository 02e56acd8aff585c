// One of thousands of workers in this process: a real WebSocket that speaks the real protocol, trains nothing (chain.ts) and
// waits instead. Counts what it says and hears, and how long it waits for answers.

import { parseRoomMessage, pingText, pongText, protocolVersion } from '../../../shared/protocol/messages.ts';
import type { RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import { commitOf, heed, helloOf, payloadOf, stateZero } from '../../../shared/protocol/testing/chain.ts';
import type { ChainState } from '../../../shared/protocol/testing/chain.ts';

/** What all workers of a run count together. */
export interface Counts {
  up: number;
  down: number;
  refused: number; // besides what probes have refused
  lost: number; // sockets that closed
  welcomeMs: number[]; // from the hello to the welcome
  answerMs: number[]; // from a message that the room has to refuse to its refusal
  committedAt: Map<number, number>; // when the last commit of a round left
  closedAt: Map<number, number>; // when the last worker heard that a round is closed
  agreedAt: Map<number, number>; // when the last one heard that the state after it is agreed
}

export interface Identity {
  workerId: string;
  token: string;
}

export interface LoadPorts {
  roomUrl: (workerId: string) => string;
  /** Milliseconds of one training. */
  trainingMs: () => number;
  upload: (identity: Identity, round: number, fence: number, body: string) => Promise<void>;
  now: () => number;
}

/** A commit of a round so far away is refused by name. */
const probedRound = 1_000_000;
const tokensOfStep = 512;
/** As a worker does: a gate hangs up on who is silent. */
const pingMs = 20_000;
const reconnectMs = 1_000;

export class LoadWorker {
  readonly #identity: Identity;
  readonly #ports: LoadPorts;
  readonly #counts: Counts;
  #socket: WebSocket | null = null;
  #chain: ChainState = { round: 0, state: stateZero };
  #saidHelloAt = 0;
  #probedAt: number | null = null;

  constructor(identity: Identity, ports: LoadPorts, counts: Counts) {
    this.#identity = identity;
    this.#ports = ports;
    this.#counts = counts;
  }

  get chain(): ChainState {
    return this.#chain;
  }

  /** Resolves with the socket open and the hello said. */
  connect(): Promise<void> {
    const socket = new WebSocket(this.#ports.roomUrl(this.#identity.workerId));
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (data !== pongText) this.#hear(parseRoomMessage(data as string));
    });
    const pulse = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(pingText), pingMs);
    socket.addEventListener('close', () => {
      clearInterval(pulse);
      if (this.#socket !== socket) return;
      this.#counts.lost += 1;
      setTimeout(() => this.#socket === socket && void this.connect().catch(() => undefined), reconnectMs);
    });
    return new Promise((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error(`${this.#identity.workerId} could not connect`)));
      socket.addEventListener('open', () => {
        this.#saidHelloAt = this.#ports.now();
        const { workerId, token } = this.#identity;
        this.#say(helloOf(workerId, token, protocolVersion, this.#chain));
        resolve();
      });
    });
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Says what the room has to refuse; nothing while an earlier answer is awaited. */
  probe(): void {
    if (this.#probedAt !== null) return;
    this.#probedAt = this.#ports.now();
    this.#socket?.send(JSON.stringify(commitOf(probedRound, payloadOf('nobody', 0), tokensOfStep)));
  }

  #say(message: WorkerMessage): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#counts.up += 1;
    this.#socket.send(JSON.stringify(message));
  }

  #hear(message: RoomMessage): void {
    if (message.type === 'refused') return this.#hearRefusal(message.message);
    this.#counts.down += 1;
    const now = this.#ports.now();
    if (message.type === 'welcome') this.#counts.welcomeMs.push(now - this.#saidHelloAt);
    if (message.type === 'assign') this.#train(message.assignment.round, message.assignment.steps);
    if (message.type === 'agreed') this.#counts.agreedAt.set(message.round - 1, now);
    if (message.type === 'close') this.#counts.closedAt.set(message.closed.round, now);
    if (message.type === 'lease') void this.#upload(message.lease.round, message.lease.fence);
    const { chain, says } = heed(this.#chain, message);
    this.#chain = chain;
    for (const said of says) this.#say(said);
  }

  #hearRefusal(text: string): void {
    if (!text.includes(String(probedRound))) {
      this.#counts.refused += 1;
      return;
    }
    this.#counts.answerMs.push(this.#ports.now() - this.#probedAt!);
    this.#probedAt = null;
  }

  #train(round: number, steps: number): void {
    setTimeout(() => {
      this.#say(commitOf(round, payloadOf(this.#identity.workerId, round), steps * tokensOfStep));
      this.#counts.committedAt.set(round, this.#ports.now());
    }, this.#ports.trainingMs());
  }

  async #upload(round: number, fence: number): Promise<void> {
    const body = `checkpoint of ${this.#chain.state}`;
    const { state } = this.#chain;
    await this.#ports.upload(this.#identity, round, fence, body);
    const said = { type: 'uploaded', kind: 'checkpoint', fence, round, bytes: body.length } as const;
    this.#say({ ...said, stateHash: state, evaluation: null });
  }
}
