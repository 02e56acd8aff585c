// Keeps a job's row in D1 like its room, so that lists need no room. A change is written within `delayMs`, an ending at
// once; when D1 cannot be reached it is tried again until it is.

import type { RoomState } from '../../shared/rounds/types.ts';
import type { Database } from '../db/database.ts';
import { updateProgress } from '../db/jobs.ts';
import type { JobProgress } from '../db/jobs.ts';
import type { RoomStore } from './room-store.ts';

const delayMs = 2_000;

export class Projection {
  readonly #store: RoomStore;
  readonly #db: Database;
  readonly #jobId: string;
  #writing = false;
  /** When the row has to be written next; null while it is up to date. */
  dueAt: number | null;

  constructor(store: RoomStore, db: Database, jobId: string) {
    this.#store = store;
    this.#db = db;
    this.#jobId = jobId;
    this.dueAt = store.read<number>('projectionDueAt');
  }

  /** Call within the transaction that stores `after`. */
  note(before: RoomState, after: RoomState, now: number): void {
    if (before.phase !== after.phase) this.#due(now);
    else if (this.dueAt === null) this.#due(now + delayMs);
  }

  async write(progress: () => JobProgress, now: number): Promise<void> {
    if (this.#writing || this.dueAt === null || this.dueAt > now) return;
    this.#writing = true;
    this.#due(null);
    try {
      await updateProgress(this.#db, this.#jobId, progress(), now);
    } catch (error) {
      console.error(`${this.#jobId}: its row in D1 could not be written, trying again`, error);
      this.#due(now + delayMs);
    } finally {
      this.#writing = false;
    }
  }

  #due(at: number | null): void {
    this.dueAt = at;
    this.#store.write('projectionDueAt', at);
  }
}
