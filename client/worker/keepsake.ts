// What of a job must survive this process: the agreed state after every applied round, our own payloads and those we told
// the room we received. With it a killed worker says `holds` and goes on, and what was accepted is never lost.

import type { Store } from './store.ts';

export interface KeptPayload {
  round: number;
  hash: string;
  payload: Uint8Array;
}

export class Keepsake {
  private readonly store: Store;
  private readonly folder: string;

  constructor(store: Store, jobId: string) {
    this.store = store;
    this.folder = `jobs/${jobId}`;
  }

  /** A checkpoint as the trainer wrote it, or null. */
  state(): Promise<Uint8Array | null> {
    return this.store.get(`${this.folder}/state`);
  }

  async keepState(checkpoint: Uint8Array): Promise<void> {
    await this.store.put(`${this.folder}/state`, checkpoint);
  }

  async payloads(): Promise<KeptPayload[]> {
    const kept: KeptPayload[] = [];
    for (const name of await this.payloadNames()) {
      const payload = await this.store.get(name);
      const [round, hash] = parse(name);
      if (payload !== null) kept.push({ round, hash, payload });
    }
    return kept;
  }

  async keepPayload(round: number, hash: string, payload: Uint8Array): Promise<void> {
    await this.store.put(`${this.folder}/payloads/${round}-${hash}`, payload);
  }

  async forgetBefore(round: number): Promise<void> {
    for (const name of await this.payloadNames()) if (parse(name)[0] < round) await this.store.delete(name);
  }

  /** The job has ended. */
  async forget(): Promise<void> {
    for (const name of await this.store.list(this.folder)) await this.store.delete(name);
  }

  /** Drops what is kept of any other job: a worker that was given a new one has no part in the old. */
  async forgetOthers(): Promise<void> {
    for (const name of await this.store.list('jobs')) {
      if (!name.startsWith(`${this.folder}/`)) await this.store.delete(name);
    }
  }

  private payloadNames(): Promise<string[]> {
    return this.store.list(`${this.folder}/payloads`);
  }
}

function parse(name: string): [round: number, hash: string] {
  const [round = '', hash = ''] = name.slice(name.lastIndexOf('/') + 1).split('-');
  return [Number(round), hash];
}
