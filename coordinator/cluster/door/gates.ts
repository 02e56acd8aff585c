// The gates of a large job as its room sees them (gate.ts is the other side). Messages for the workers of a gate go there
// together, one call at a time, in order. Sockets of a gate outlive the room: what it had to say when it died is lost though
// nobody noticed. So while anything is on its way there is a mark in SQLite, and a room that wakes with one has everybody
// hung up on. The same happens to a single gate that a call did not reach.

import type { RoomEvent } from '../../../shared/rounds/types.ts';
import type { Delivery } from '../outbox.ts';
import type { RoomStore } from '../room/room-store.ts';
import { shardOf } from './shards.ts';

const retryMs = 2_000;
const markName = 'gates.unsent';

/** What a gate tells its room. */
export interface GateReport {
  gate: number;
  /** No worker that it held before is here any more: it has died, or hung up on all. */
  isFresh: boolean;
  events: RoomEvent[];
}

/** `restart`: nothing was taken, and all workers of the gate have to say hello again. */
export type GateAnswer = 'taken' | 'restart';

/** What a room asks of a gate. */
export interface GateRpc {
  deliver(steps: readonly Delivery[]): Promise<void>;
  /** Hang up on all workers, and report that. */
  restart(): Promise<void>;
}

export interface GatesPorts {
  store: Pick<RoomStore, 'read' | 'write'>;
  gate: (index: number) => GateRpc;
  /** Keeps the object awake until this is done. */
  waitUntil: (work: Promise<void>) => void;
}

/** What holds for a gate: messages go to it; it has to hang up on all; it was asked to, and its report that it has is awaited. */
type LineState = 'open' | 'broken' | 'asked';

interface Line {
  state: LineState;
  waiting: Delivery[];
  isBusy: boolean;
}

export class Gates {
  readonly #ports: GatesPorts;
  readonly #lines: readonly Line[];
  #isMarked: boolean;
  /** Made of gates in this life of the room. */
  calls = 0;

  constructor(ports: GatesPorts, count: number) {
    this.#ports = ports;
    this.#lines = Array.from({ length: count }, () => ({ state: 'open', waiting: [], isBusy: false }));
    this.#isMarked = ports.store.read<boolean>(markName) === true;
  }

  /** An earlier life of the room may have died before all it had to say was said. */
  get hasLost(): boolean {
    return this.#isMarked;
  }

  gateOf(workerId: string): number {
    return shardOf(workerId, this.#lines.length);
  }

  /** Call within the transaction of a tick that has something to say. */
  mark(): void {
    if (!this.#isMarked) this.#ports.store.write(markName, true);
    this.#isMarked = true;
  }

  /** Call now and then: a mark that is taken away at once would be two rows written a tick. */
  unmarkWhenIdle(): void {
    const isIdle = this.#lines.every(
      ({ state, waiting, isBusy }) => state === 'open' && !isBusy && waiting.length === 0,
    );
    if (!this.#isMarked || !isIdle) return;
    this.#ports.store.write(markName, false);
    this.#isMarked = false;
  }

  deliver(step: Delivery): void {
    for (const [gate, part] of this.#shares(step)) {
      const line = this.#lines[gate]!;
      if (line.state !== 'open') continue; // its workers begin anew with a hello
      line.waiting.push(part);
      this.#work(gate);
    }
  }

  /** Has everybody hung up on. */
  restart(): void {
    for (const [gate, line] of this.#lines.entries()) {
      breakOff(line);
      this.#work(gate);
    }
  }

  /** Whether a report may be taken: after a restart nothing counts until the gate has hung up on all. */
  admits({ gate, isFresh }: GateReport): boolean {
    const line = this.#lines[gate];
    if (line === undefined) return false;
    if (isFresh) line.state = 'open';
    return line.state === 'open';
  }

  #shares(step: Delivery): Map<number, Delivery> {
    if (step.type === 'disconnect') return new Map([[this.gateOf(step.to), step]]);
    const shares = new Map<number, Extract<Delivery, { type: 'send' }> & { to: string[] }>();
    for (const workerId of step.to) {
      const gate = this.gateOf(workerId);
      const share = shares.get(gate) ?? { ...step, to: [] };
      share.to.push(workerId);
      shares.set(gate, share);
    }
    return shares;
  }

  #work(gate: number): void {
    const line = this.#lines[gate]!;
    if (line.isBusy) return;
    line.isBusy = true;
    this.#ports.waitUntil(this.#workOff(gate, line));
  }

  async #workOff(gate: number, line: Line): Promise<void> {
    await Promise.resolve(); // all that a tick says to this gate goes in one call
    while (line.state === 'broken' || (line.state === 'open' && line.waiting.length > 0)) {
      if (line.state === 'open') await this.#say(gate, line);
      else await this.#askToHangUp(gate, line);
    }
    line.isBusy = false;
  }

  async #say(gate: number, line: Line): Promise<void> {
    this.calls += 1;
    try {
      await this.#ports.gate(gate).deliver(line.waiting.splice(0));
    } catch (error) {
      console.error(`gate ${gate} could not be reached: its workers begin anew`, error);
      breakOff(line);
    }
  }

  async #askToHangUp(gate: number, line: Line): Promise<void> {
    this.calls += 1;
    try {
      await this.#ports.gate(gate).restart();
      if (line.state === 'broken') line.state = 'asked'; // else it has reported already
    } catch (error) {
      console.error(`gate ${gate} could not be reached, trying again`, error);
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function breakOff(line: Line): void {
  line.state = 'broken';
  line.waiting = [];
}
