// Something that has to be done some time after the room changed: done when it is due, one at a time, again until it
// succeeds, and also when the object died in between.

import type { RoomStore } from './room-store.ts';

export interface ChoreOptions {
  name: string;
  retryMs: number;
  work: () => Promise<void>;
}

export class Chore {
  readonly #store: RoomStore;
  readonly #options: ChoreOptions;
  #running = false;
  /** Unix ms; null while there is nothing to do. */
  dueAt: number | null;

  constructor(store: RoomStore, options: ChoreOptions) {
    this.#store = store;
    this.#options = options;
    this.dueAt = store.read<number>(`chore.${options.name}`);
  }

  /** To be done by `at`, or earlier if that was asked for before. Call within the transaction that makes it necessary. */
  due(at: number): void {
    if (this.dueAt === null || at < this.dueAt) this.#setDue(at);
  }

  async runWhenDue(now: number): Promise<void> {
    if (this.#running || this.dueAt === null || this.dueAt > now) return;
    this.#running = true;
    this.#setDue(null); // what changes from here on asks anew
    try {
      await this.#options.work();
    } catch (error) {
      console.error(`${this.#options.name} failed, trying again`, error);
      this.due(now + this.#options.retryMs);
    } finally {
      this.#running = false;
    }
  }

  #setDue(at: number | null): void {
    this.dueAt = at;
    this.#store.write(`chore.${this.#options.name}`, at);
  }
}
