// Pulling a payload that is not here: from whoever said to have it, then from the one it should be with, then from all others,
// then from the coordinator's relay, round and round until it is here or its time is over. While it comes there is more time.

import { LoomError } from '../../shared/errors.ts';
import type { Bell } from '../timing/wait.ts';
import type { Links } from './links/links.ts';
import type { Offers } from './offers.ts';
import type { PayloadStore } from './payload-store.ts';
import type { PeerLink } from './links/peer-link.ts';

/** While links are open the relay is asked only after so long: what comes from peers costs nothing. */
const relayPatienceMs = 1_500;
/** However slowly it comes, after so many times the time it had at first others are told that it is missing. */
const mostPatience = 10;

export interface PullOptions {
  links: Links;
  store: PayloadStore;
  offers: Offers;
  changed: Bell; // rings when a payload arrived, a peer lacks one, or a link changed
  /** Stores the payload if the relay has it. */
  askRelay: (round: number, hash: string) => Promise<void>;
  patienceMs: number; // how long a peer may be silent about a payload we asked it for
}

export interface Search {
  round: number;
  hash: string;
  from: string | null; // peer id
  timeoutMs: number; // from the start, and from every chunk that comes
  signals: readonly AbortSignal[];
}

export class Pull {
  private readonly options: PullOptions;
  private readonly search: Search;
  private readonly startedAt = Date.now();
  private deadline: number;
  private arrived = 0; // chunks, on all links

  constructor(options: PullOptions, search: Search) {
    this.options = options;
    this.search = search;
    this.deadline = this.startedAt + search.timeoutMs;
  }

  /** @throws LoomError `unavailable` when its time is over */
  async run(): Promise<Uint8Array> {
    const { round, hash } = this.search;
    while (true) {
      const payload = (await this.askPeers()) ?? (this.relayIsDue() ? await this.askRelay() : undefined);
      if (payload !== undefined) return payload;
      if (this.isOver()) break;
      await this.options.changed.wait(Math.min(500, this.deadline - Date.now()));
    }
    throw new LoomError('unavailable', `no peer and no relay has payload ${hash.slice(0, 8)} of round ${round}`);
  }

  private isOver(): boolean {
    this.noteProgress();
    return Date.now() >= this.deadline || this.search.signals.some(({ aborted }) => aborted);
  }

  private noteProgress(): void {
    const { hash, timeoutMs } = this.search;
    const arrived = this.options.links.open().reduce((chunks, link) => chunks + link.progress(hash), 0);
    if (arrived > this.arrived)
      this.deadline = Math.min(Date.now() + timeoutMs, this.startedAt + mostPatience * timeoutMs);
    this.arrived = arrived;
  }

  private taken(): Uint8Array | undefined {
    return this.options.store.take(this.search.hash);
  }

  private async askPeers(): Promise<Uint8Array | undefined> {
    for (const link of this.linksByPromise()) {
      const payload = this.taken() ?? (await this.ask(link));
      if (payload !== undefined) return payload;
    }
    return this.taken();
  }

  /** Those first that said to have it, then the one it should be with, then all others. */
  private linksByPromise(): PeerLink[] {
    const { links } = this.options;
    const { from } = this.search;
    const first = from === null ? null : links.to(from);
    return [...new Set([...this.offering(), ...(first === null ? [] : [first]), ...links.open()])];
  }

  /** Those that said to have it and are still there. */
  private offering(): PeerLink[] {
    const { links, offers } = this.options;
    const offering = offers.of(this.search.hash);
    return offering === undefined ? [] : links.open().filter((link) => offering.has(link));
  }

  /** Asks one peer and waits as long as something comes; another peer may be faster. */
  private async ask(link: PeerLink): Promise<Uint8Array | undefined> {
    const { round, hash } = this.search;
    if (link.progress(hash) === 0) link.want(round, hash);
    let progress = link.progress(hash);
    let movedAt = Date.now();
    while (!link.lacks(hash) && !this.isOver()) {
      await this.options.changed.wait(100);
      const payload = this.taken();
      if (payload !== undefined) return payload;
      if (link.progress(hash) !== progress) movedAt = Date.now();
      progress = link.progress(hash);
      if (Date.now() - movedAt > this.options.patienceMs) break;
      if (progress === 0 && this.othersOffer(link)) break;
    }
    return undefined;
  }

  private othersOffer(link: PeerLink): boolean {
    const offering = this.offering();
    return offering.length > 0 && !offering.includes(link);
  }

  /** At once for what is with someone we have no link to; after a while for all else. */
  private relayIsDue(): boolean {
    const { links } = this.options;
    const { from } = this.search;
    const isOutOfReach = from !== null && links.to(from) === null;
    return links.open().length === 0 || isOutOfReach || Date.now() - this.startedAt >= relayPatienceMs;
  }

  private async askRelay(): Promise<Uint8Array | undefined> {
    await this.options.askRelay(this.search.round, this.search.hash);
    return this.taken();
  }
}
