// Pieces of a checkpoint for peers that ask. They lie where this worker keeps its states anyway, and are read one at a time
// for each peer, so that a peer that asks for all of them costs no more memory than one piece.

import type { PeerLink } from '../links/peer-link.ts';

/** The checkpoint that a worker keeps (client/worker/state/checkpoint-shelf.ts). */
export interface Shelf {
  /** The hash of the list of its pieces; null when this state is not here. */
  listOf(round: number, stateHash: string): Promise<string | null>;
  /** A list or a piece; null when it is not here. */
  read(hash: string): Promise<Uint8Array | null>;
}

/** A joiner asks for two pieces at a time. */
const waitingAtMost = 16;

export class Lending {
  private readonly shelf: Shelf;
  /** What each peer waits for. */
  private readonly queues = new Map<PeerLink, { round: number; hash: string }[]>();

  constructor(shelf: Shelf) {
    this.shelf = shelf;
  }

  /** Sends what the peer asked for when its turn comes, or says that it is not here. */
  async serve(link: PeerLink, round: number, hash: string): Promise<void> {
    const queue = this.queues.get(link);
    if (queue !== undefined && queue.length >= waitingAtMost) return link.deny(round, hash);
    if (queue !== undefined) return void queue.push({ round, hash });
    const turns = [{ round, hash }];
    this.queues.set(link, turns);
    for (let next = turns.shift(); next !== undefined; next = turns.shift())
      await this.answer(link, next.round, next.hash);
    this.queues.delete(link);
  }

  private async answer(link: PeerLink, round: number, hash: string): Promise<void> {
    const list = await this.shelf.listOf(round, hash).catch(() => null);
    if (list !== null) return link.list(round, hash, list);
    const payload = await this.shelf.read(hash).catch(() => null);
    if (payload === null) return link.deny(round, hash);
    await new Promise<void>((resolve) => link.push(round, hash, payload, resolve));
  }
}
