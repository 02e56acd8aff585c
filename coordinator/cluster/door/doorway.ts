// Where workers come in: their sockets are accepted, what they say is limited, parsed and identified (door.ts), and becomes
// events for the room in the order in which they came. The room of a small job has one, of a large job each gate (gate.ts).

import { LoomError } from '../../../shared/errors.ts';
import { chooseVersion, rangeOf, roomSpeaks } from '../../../shared/protocol/version.ts';
import type { RoomEvent } from '../../../shared/rounds/types.ts';
import type { WorkerRecord } from '../../../shared/verification/reputation.ts';
import { Door } from './door.ts';
import type { Delivery } from '../outbox.ts';
import { closeCodes, sendTo, Sockets } from './sockets.ts';

const maxSockets = 1_100;

export interface DoorwayPorts {
  /** Signs worker tokens. */
  secret: () => string;
  isOurs: (workerId: string) => boolean;
  /** What other jobs found of a worker. @throws LoomError `forbidden` when it is banned. */
  recordOf: (workerId: string) => Promise<WorkerRecord>;
  /** Puts an event for the room in its place, and says about how many characters it has. */
  tell: (event: RoomEvent, length: number) => void;
}

const shortEvent = 200;

export class Doorway {
  readonly #ports: DoorwayPorts;
  readonly #sockets: Sockets;
  readonly #door: Door;
  readonly #turns = new WeakMap<WebSocket, Promise<void>>();

  constructor(ctx: DurableObjectState, ports: DoorwayPorts) {
    this.#ports = ports;
    this.#sockets = new Sockets(ctx);
    this.#door = new Door(this.#sockets, ports.isOurs);
  }

  get count(): number {
    return this.#sockets.count;
  }

  /** Whether no worker is here: so it is also after the object has died, for its sockets die with it. */
  get hasNobody(): boolean {
    return this.#sockets.hasNobody;
  }

  has(workerId: string): boolean {
    return this.#sockets.has(workerId);
  }

  /** @throws LoomError `unavailable` when it is full */
  accept(now: number): Response {
    if (this.#sockets.count >= maxSockets)
      throw new LoomError('unavailable', 'the room is full', { allowed: `${maxSockets} sockets` });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#sockets.accept(server, now);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** What comes after a hello waits until that was checked. */
  hear(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const before = this.#turns.get(socket)?.catch(() => undefined) ?? Promise.resolve();
    const turn = before.then(() => this.#hear(socket, data));
    this.#turns.set(socket, turn);
    return turn;
  }

  async #hear(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    try {
      const { workerId, message } = await this.#door.admit(socket, data, this.#ports.secret(), Date.now());
      if (message.type !== 'hello')
        return this.#ports.tell({ type: 'message', workerId, message }, (data as string).length);
      const record = await this.#ports.recordOf(workerId);
      if (socket.readyState !== WebSocket.OPEN) return; // lost meanwhile: nobody would say that it is gone
      this.#sockets.identify(socket, workerId, chooseVersion(rangeOf(message), roomSpeaks)!); // the door saw to it
      this.#ports.tell({ type: 'message', workerId, message, record }, (data as string).length);
    } catch (error) {
      if (error instanceof LoomError) return this.#refuse(socket, error);
      this.#drop(socket, closeCodes.restart, 'try again', 'its hello could not be checked'); // it comes back
      throw error;
    }
  }

  lost(socket: WebSocket, reason: string): void {
    this.#drop(socket, 1000, '', reason);
  }

  /** Gives up those who were silent for too long. */
  sweep(now: number): void {
    for (const workerId of this.#sockets.sweep(now)) this.#tellGone(workerId, 'silent for too long');
  }

  /** When to sweep next, or null when there is no socket. */
  nextSweep(now: number): number | null {
    return this.#sockets.nextSweep(now);
  }

  /** Carries out what the room decided. */
  deliver(step: Delivery): void {
    if (step.type === 'send') return this.#sockets.send(step.to, step.message);
    if (!this.#sockets.has(step.to)) return;
    this.#sockets.disconnect(step.to, closeCodes.left, step.reason);
    this.#tellGone(step.to, step.reason);
  }

  /** Closes all sockets without a word to the room: their workers come back and begin with a hello. */
  restart(): void {
    this.#sockets.dropAll(closeCodes.restart, 'the room restarted');
  }

  #refuse(socket: WebSocket, error: LoomError): void {
    sendTo(socket, { type: 'refused', ...error.toJSON() });
    this.#ports.tell({ type: 'refused', code: error.code }, shortEvent);
    if (!this.#door.isLast(socket, error, Date.now())) return;
    const code = error.code === 'unauthorized' ? closeCodes.unauthorized : closeCodes.refused;
    this.#drop(socket, code, error.code, `refused: ${error.code}`);
  }

  #drop(socket: WebSocket, code: number, said: string, reason: string): void {
    const workerId = this.#sockets.drop(socket, code, said);
    if (workerId !== null) this.#tellGone(workerId, reason);
  }

  #tellGone(workerId: string, reason: string): void {
    this.#ports.tell({ type: 'gone', workerId, reason }, shortEvent);
  }
}
