// Our newest payload on its way to our group: over the links that are open, and through the coordinator's relay to members that
// cannot be reached.

import type { Links } from './links/links.ts';
import type { Neighbour } from './links/neighbour.ts';
import type { PayloadStore } from './payload-store.ts';
import type { RelayUploads } from './relay.ts';

/** A peer that cannot be reached for so long is served through the relay as well; the link may still open. */
const hedgeMs = 1_500;

export interface OutboxOptions {
  links: Links;
  store: PayloadStore;
  uploads: RelayUploads;
  signal: AbortSignal;
}

export class Outbox {
  private readonly options: OutboxOptions;
  private newest: { round: number; hash: string; payload: Uint8Array } | null = null;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  publish(round: number, hash: string, payload: Uint8Array): void {
    this.newest = { round, hash, payload };
    for (const mate of this.options.links.mates()) this.deliver(mate);
    setTimeout(() => this.hedge(hash), hedgeMs);
  }

  /** Our newest payload, by the way that leads to this member. */
  deliver(neighbour: Neighbour): void {
    if (this.newest === null || !this.options.links.isMate(neighbour)) return;
    const { round, hash, payload } = this.newest;
    if (neighbour.link !== null) neighbour.link.push(round, hash, payload);
    else if (neighbour.state === 'failed') this.relay(hash).catch(() => undefined); // the room asks again if it matters
  }

  /** Puts a payload we hold on the relay, once. */
  async relay(hash: string): Promise<void> {
    const held = this.options.store.peek(hash);
    if (held !== undefined) await this.options.uploads.put(hash, held.payload);
  }

  /** Members of our group that are not linked yet need not wait until dialling has failed. */
  private hedge(hash: string): void {
    const { links, signal } = this.options;
    if (signal.aborted || this.newest?.hash !== hash) return;
    if (links.mates().some(({ unreachableMs }) => unreachableMs >= hedgeMs)) this.relay(hash).catch(() => undefined);
  }
}
