// What ticks decided, carried out strictly in order: an event is in the ledger before anything decided after it is sent.
// Events wait in SQLite, so that they outlive the object; messages wait in memory, because sockets do not outlive it.

import type { RoomMessage } from '../../shared/protocol/messages.ts';
import type { LedgerEventDraft } from '../../shared/ledger/events.ts';
import type { LedgerEntry } from '../ledger/append.ts';
import type { RoomStore } from './room/room-store.ts';

export type Step =
  | { type: 'record'; seq: number; event: LedgerEventDraft }
  | { type: 'send'; to: readonly string[]; message: RoomMessage }
  | { type: 'disconnect'; to: string; reason: string };

export type Delivery = Exclude<Step, { type: 'record' }>;

export interface OutboxPorts {
  append: (entries: readonly LedgerEntry[]) => Promise<void>;
  deliver: (step: Delivery) => void;
  now: () => number;
}

const retryMs = 2_000;
/** Of one append. */
const maxRecords = 500;

export class Outbox {
  readonly #store: RoomStore;
  readonly #jobId: string;
  readonly #ports: OutboxPorts;
  #steps: Step[];
  #hasStored: boolean; // rows that were appended or will be
  #running: Promise<void> | null = null;
  /** When to drain again after the ledger could not be reached; null otherwise. */
  retryAt: number | null = null;

  /** Takes up the events that an earlier life of the object left behind. */
  constructor(store: RoomStore, jobId: string, ports: OutboxPorts) {
    this.#store = store;
    this.#jobId = jobId;
    this.#ports = ports;
    this.#steps = store.outbox().map((row) => ({ type: 'record', ...row }));
    this.#hasStored = this.#steps.length > 0;
  }

  push(steps: readonly Step[]): void {
    this.#steps.push(...steps);
    this.#hasStored ||= steps.some(({ type }) => type === 'record');
  }

  /** Without events to record, everything is delivered before this returns. */
  drain(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      if (step.type !== 'record') this.#ports.deliver(this.#steps.shift() as Delivery);
      else if (!(await this.#record())) return;
    }
    this.retryAt = null;
    if (this.#hasStored) this.#store.clearOutbox();
    this.#hasStored = false;
  }

  /** Appends the events at the head of the queue. False when the ledger could not be reached: they stay. */
  async #record(): Promise<boolean> {
    const end = this.#steps.findIndex(({ type }) => type !== 'record');
    const head = this.#steps.slice(0, Math.min(maxRecords, end === -1 ? Infinity : end));
    const records = head.filter((step) => step.type === 'record');
    try {
      await this.#ports.append(records.map(({ seq, event }) => ({ key: `${this.#jobId}/${seq}`, event })));
    } catch (error) {
      console.error(`${this.#jobId}: the ledger could not be reached, trying again`, error);
      this.retryAt = this.#ports.now() + retryMs;
      return false;
    }
    const written = new Set<Step>(records);
    this.#steps = this.#steps.filter((step) => !written.has(step));
    return true;
  }
}
