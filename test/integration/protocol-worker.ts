// A worker that speaks the room's protocol over a real WebSocket but trains nothing (chain.ts).

import { inTodaysWords, parseRoomMessage1 } from '../../shared/protocol/testing/version-1.ts';
import { parseRoomMessage2 } from '../../shared/protocol/testing/version-2.ts';
import { parseRoomMessage3 } from '../../shared/protocol/testing/version-3.ts';
import { parseRoomMessage, protocolVersion } from '../../shared/protocol/messages.ts';
import type { Assignment, RoomMessage, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { RegisteredWorker } from '../../shared/api/schemas.ts';
import { commitOf, heed, helloOf, payloadOf, stateZero } from '../../shared/protocol/testing/chain.ts';
import { asWorker, register, request, until } from './api.ts';

type Of<T extends RoomMessage['type']> = Extract<RoomMessage, { type: T }>;

const trainingMs = 40;

export interface Behaviour {
  /** Whether it carries out an assignment; by default all. */
  trains: (assignment: Assignment) => boolean;
  /** Carries out leases; otherwise it stays silent. */
  uploads: boolean;
  version: 1 | 2 | 3 | 4; // of the protocol
  /** Registers until it has an id that this likes. */
  likes: (workerId: string) => boolean;
}

/** What a worker of each protocol makes of a message; it throws at what is not in it. */
const understood = {
  1: (text: string): RoomMessage => inTodaysWords(parseRoomMessage1(text)),
  2: parseRoomMessage2,
  3: parseRoomMessage3,
  4: parseRoomMessage,
} as const;

export class ProtocolWorker {
  readonly id: string;
  readonly token: string;
  readonly messages: RoomMessage[] = [];
  closed: { code: number; reason: string } | null = null;
  round = 0;
  state = stateZero;
  /** The state it held of each round. */
  readonly states = new Map<number, string>();
  readonly #jobId: string;
  readonly #behaviour: Behaviour;
  #socket: WebSocket | null = null;

  private constructor(jobId: string, id: string, token: string, behaviour: Behaviour) {
    this.#jobId = jobId;
    this.id = id;
    this.token = token;
    this.#behaviour = behaviour;
  }

  /** Registers, where it has not been done, connects and says hello. */
  static async join(
    jobId: string,
    behaviour: Partial<Behaviour> = {},
    known: RegisteredWorker | null = null,
  ): Promise<ProtocolWorker> {
    const whole = {
      trains: () => true,
      uploads: true,
      version: protocolVersion,
      likes: () => true,
      ...behaviour,
    } as const;
    let registered = known ?? (await register());
    while (!whole.likes(registered.workerId)) registered = await register();
    const worker = new ProtocolWorker(jobId, registered.workerId, registered.token, whole);
    await worker.connect();
    return worker;
  }

  async connect(): Promise<void> {
    this.#socket = await openSocket(this.#jobId, this.id);
    this.closed = null;
    const socket = this.#socket;
    socket.addEventListener('message', ({ data }) => this.#hear(data as string));
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket === socket) this.closed = { code, reason };
    });
    this.say(helloOf(this.id, this.token, this.#behaviour.version, this));
  }

  say(message: WorkerMessage): void {
    this.sayText(JSON.stringify(message));
  }

  sayText(text: string | ArrayBuffer): void {
    this.#socket!.send(text);
  }

  /** Cuts the connection without a goodbye. */
  drop(): void {
    this.#socket!.close(1001, 'test');
  }

  heard<T extends RoomMessage['type']>(type: T): Of<T>[] {
    return this.messages.filter((message): message is Of<T> => message.type === type);
  }

  /** The first message of a type from index `from` of its kind on. */
  next<T extends RoomMessage['type']>(type: T, from = 0): Promise<Of<T>> {
    return until(() => this.heard(type)[from] ?? null, `${type} at ${this.id}`);
  }

  commit(round: number, hash = payloadOf(this.id, round), tokens = 512): void {
    this.say(commitOf(round, hash, tokens));
  }

  #hear(text: string): void {
    const message = understood[this.#behaviour.version](text);
    this.messages.push(message);
    if (message.type === 'assign' && this.#behaviour.trains(message.assignment)) this.#train(message.assignment);
    const { chain, says } = heed(this, message);
    [this.round, this.state] = [chain.round, chain.state];
    this.states.set(chain.round, chain.state);
    for (const said of says) this.say(said);
    if (message.type === 'lease' && this.#behaviour.uploads) void this.#upload(message);
  }

  #train({ round }: Assignment): void {
    setTimeout(() => this.closed === null && this.commit(round), trainingMs);
  }

  async #upload({ lease: { kind, fence, round } }: Of<'lease'>): Promise<void> {
    const path = kind === 'checkpoint' ? `checkpoints/${round}` : 'artifacts/model.safetensors';
    const body = `${kind} of ${this.state}`;
    const response = await asWorker(this.token, `jobs/${this.#jobId}/${path}?fence=${fence}`, 'PUT', body);
    if (!response.ok) throw new Error(await response.text());
    const evaluation = kind === 'artifact' ? { loss: 2.1, tokens: 100, unigramLoss: 3.1, bigramLoss: 2.4 } : null;
    this.say({ type: 'uploaded', kind, fence, round, stateHash: this.state, bytes: body.length, evaluation });
  }
}

/** A socket to the room of a job, accepted, before any hello. */
export async function openSocket(jobId: string, workerId?: string): Promise<WebSocket> {
  const query = workerId === undefined ? '' : `?worker=${workerId}`;
  const response = await request(`jobs/${jobId}/room${query}`, { headers: { upgrade: 'websocket' } });
  if (response.webSocket === null) throw new Error(`no socket: ${response.status} ${await response.text()}`);
  response.webSocket.accept();
  return response.webSocket;
}
