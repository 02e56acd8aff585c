// The one writer of the ledger: a Durable Object, so that sequence numbers and the Merkle frontier never race. Appends that
// arrive while a transaction runs are written together in the next one.

import { DurableObject } from 'cloudflare:workers';
import { database } from '../db/database.ts';
import type { Env } from '../env.ts';
import { appendEntries, inBatches } from './append.ts';
import type { LedgerEntry } from './append.ts';

interface Waiting {
  entries: readonly LedgerEntry[];
  resolve: () => void;
  reject: (reason: unknown) => void;
}

const maxEntriesPerTransaction = 500;

export class LedgerWriter extends DurableObject<Env> {
  #waiting: Waiting[] = [];
  #writing = false;

  /** Returns once the entries are stored. Safe to repeat: entries are recognised by their key. */
  append(entries: readonly LedgerEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      if (!this.#writing) this.ctx.waitUntil(this.#write());
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) await this.#writeGroup(this.#nextGroup());
    this.#writing = false;
  }

  /** A group that fails is written one by one: an entry that cannot be written must not hold up the others. */
  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const entries = group.flatMap((waiting) => waiting.entries);
      for (const batch of inBatches(entries)) await appendEntries(database(this.env.DB), batch, Date.now());
      for (const waiting of group) waiting.resolve();
    } catch (error) {
      if (group.length === 1) group[0]!.reject(error);
      else for (const waiting of group) await this.#writeGroup([waiting]);
    }
  }

  #nextGroup(): Waiting[] {
    let entries = 0;
    const full = this.#waiting.findIndex((waiting) => (entries += waiting.entries.length) > maxEntriesPerTransaction);
    return this.#waiting.splice(0, full === -1 ? this.#waiting.length : Math.max(1, full));
  }
}

/** The one writer, from anywhere in the coordinator. */
export function ledger(env: Env): Pick<LedgerWriter, 'append'> {
  return env.LEDGER.get(env.LEDGER.idFromName('ledger')) as unknown as LedgerWriter;
}
