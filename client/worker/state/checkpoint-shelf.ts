// The latest checkpoint, as far as this worker kept its state: what it lends to joiners, piece by piece. The list of pieces is
// made when the first of them asks.

import { sha256Hex } from '../../../shared/bytes.ts';
import { encodePieceList, listPieces, pieceLength } from '../../../shared/protocol/piece-list.ts';
import type { PieceList } from '../../../shared/protocol/piece-list.ts';
import type { Shelf } from '../../exchange/state/lending.ts';
import type { StateRef } from '../../train/trainer.ts';
import type { Keepsake } from './keepsake.ts';

interface Listing {
  readonly list: PieceList;
  readonly payload: Uint8Array;
  readonly hash: string; // of the payload
  readonly places: ReadonlyMap<string, number>; // of the pieces
}

export class CheckpointShelf implements Shelf {
  private readonly keepsake: Keepsake;
  private checkpoint: StateRef | null = null;
  private listing: Promise<Listing | null> = Promise.resolve(null);

  constructor(keepsake: Keepsake) {
    this.keepsake = keepsake;
  }

  /** The checkpoint that joiners begin with now. */
  show(checkpoint: StateRef): void {
    if (checkpoint.round === this.checkpoint?.round && checkpoint.stateHash === this.checkpoint.stateHash) return;
    this.keepsake.pin(checkpoint.round);
    this.checkpoint = checkpoint;
    this.listing = Promise.resolve(null);
  }

  async listOf(round: number, stateHash: string): Promise<string | null> {
    const { checkpoint } = this;
    if (checkpoint?.round !== round || checkpoint.stateHash !== stateHash) return null;
    this.listing = this.listing.then((made) => made ?? this.makeList(checkpoint)).catch(() => null);
    return (await this.listing)?.hash ?? null;
  }

  async read(hash: string): Promise<Uint8Array | null> {
    const [listing, { checkpoint }] = [await this.listing, this];
    if (listing === null || checkpoint === null) return null;
    if (hash === listing.hash) return listing.payload;
    const index = listing.places.get(hash);
    if (index === undefined) return null;
    return this.keepsake.readState(checkpoint, index * listing.list.pieceBytes, pieceLength(listing.list, index));
  }

  /** Null where the state was not kept: it came and went while the checkpoint was on its way. */
  private async makeList(checkpoint: StateRef): Promise<Listing | null> {
    const size = await this.keepsake.stateSize(checkpoint);
    if (size === null) return null;
    const read = async (offset: number, length: number): Promise<Uint8Array> =>
      (await this.keepsake.readState(checkpoint, offset, length)) ?? new Uint8Array(0);
    const list = await listPieces(size, read);
    const payload = encodePieceList(list);
    return {
      list,
      payload,
      hash: sha256Hex(payload),
      places: new Map(list.hashes.map((hash, index) => [hash, index])),
    };
  }
}
