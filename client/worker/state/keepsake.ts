// What of a job must survive this process: the agreed state after every applied round, our own payloads and those we told
// the room we received. With it a killed worker says `holds` and goes on, and what was accepted is never lost. Some earlier
// states stay as well: one of them may be the next checkpoint, which joiners ask for.

import type { StateRef } from '../../train/trainer.ts';
import type { Store } from '../store.ts';

export interface KeptPayload {
  round: number;
  hash: string;
  payload: Uint8Array;
}

export class Keepsake {
  private readonly store: Store;
  private readonly folder: string;
  private readonly earlier: number;
  private pinned: ReadonlySet<number> = new Set();

  /** @param earlier states that are kept before the latest one */
  constructor(store: Store, jobId: string, earlier = 2) {
    this.store = store;
    this.folder = `jobs/${jobId}`;
    this.earlier = earlier;
  }

  /** The latest state, as the trainer wrote it, or null. */
  async state(): Promise<Uint8Array | null> {
    const [latest] = await this.states();
    return latest === undefined ? null : this.store.get(latest.name);
  }

  /** Keeps a state as the latest one. States of later rounds belong to a past that was given up. */
  async keepState(state: StateRef, checkpoint: Uint8Array): Promise<void> {
    const name = this.nameOf(state);
    await this.store.put(name, checkpoint);
    const others = (await this.states()).filter((other) => other.name !== name);
    const spare = others.filter(({ round }) => round < state.round && !this.pinned.has(round)).slice(this.earlier);
    for (const other of others) {
      if (other.round >= state.round || spare.includes(other)) await this.store.delete(other.name);
    }
  }

  /** States of these rounds stay, whatever comes after them. */
  pin(...rounds: number[]): void {
    this.pinned = new Set(rounds);
  }

  /** Bytes of a state that is kept; null if it is not. */
  stateSize(state: StateRef): Promise<number | null> {
    return this.store.size(this.nameOf(state));
  }

  readState(state: StateRef, offset: number, length: number): Promise<Uint8Array | null> {
    return this.store.read(this.nameOf(state), offset, length);
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

  private nameOf({ round, stateHash }: StateRef): string {
    return `${this.folder}/states/${round}-${stateHash}`;
  }

  /** The latest first. */
  private async states(): Promise<{ name: string; round: number }[]> {
    const names = await this.store.list(`${this.folder}/states`);
    return names.map((name) => ({ name, round: parse(name)[0] })).toSorted((a, b) => b.round - a.round);
  }

  private payloadNames(): Promise<string[]> {
    return this.store.list(`${this.folder}/payloads`);
  }
}

function parse(name: string): [round: number, hash: string] {
  const [round = '', hash = ''] = name.slice(name.lastIndexOf('/') + 1).split('-');
  return [Number(round), hash];
}
