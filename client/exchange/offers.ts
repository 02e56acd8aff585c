// Which payloads are looked for here, and which neighbours said to have one that is not here.

import type { PeerLink } from './links/peer-link.ts';

const offersAtMost = 4096;

export class Offers {
  /** By hash. */
  private readonly offers = new Map<string, Set<PeerLink>>();
  /** Payloads that we asked for: when they come, our neighbours may need them too. */
  private readonly sought = new Map<string, number>(); // round by hash

  /** A neighbour has this payload. @returns whether it is the first to say so */
  note(link: PeerLink, hash: string): boolean {
    if (this.offers.size > offersAtMost) return false;
    const offering = this.offers.get(hash);
    this.offers.set(hash, (offering ?? new Set()).add(link));
    return offering === undefined;
  }

  /** Those that said to have it. */
  of(hash: string): ReadonlySet<PeerLink> | undefined {
    return this.offers.get(hash);
  }

  seek(round: number, hash: string): void {
    this.sought.set(hash, round);
  }

  /** A payload came. @returns whether it was looked for */
  found(hash: string): boolean {
    return this.sought.delete(hash);
  }

  forget(hash: string): void {
    this.offers.delete(hash);
  }

  forgetBefore(round: number): void {
    for (const [hash, of] of this.sought) if (of < round) this.sought.delete(hash);
    for (const hash of this.offers.keys()) if (!this.sought.has(hash)) this.offers.delete(hash);
  }
}
