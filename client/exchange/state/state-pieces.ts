// A checkpoint's file as it grows: which pieces are missing, where each belongs, and who was asked for it.

import type { Bytes } from '../../../shared/bytes.ts';
import { pieceLength } from '../../../shared/protocol/piece-list.ts';
import type { PieceList } from '../../../shared/protocol/piece-list.ts';
import type { PeerLink } from '../links/peer-link.ts';

const storedBytesAtOnce = 8 * 2 ** 20;

/** A piece that has not come yet. Equal pieces are one. */
export interface Missing {
  readonly hash: string;
  readonly bytes: number;
  readonly places: readonly number[];
  readonly asked: Set<PeerLink>;
  askedAt: number;
}

export class StatePieces {
  readonly file: Bytes;
  readonly missing = new Map<string, Missing>();
  private readonly here = new Set<string>();
  private readonly list: PieceList;

  constructor(list: PieceList) {
    this.list = list;
    this.file = new Uint8Array(list.fileBytes);
    const places = new Map<string, number[]>();
    for (const [index, hash] of list.hashes.entries()) places.set(hash, [...(places.get(hash) ?? []), index]);
    for (const [hash, of] of places)
      this.missing.set(hash, { hash, bytes: pieceLength(list, of[0]!), places: of, asked: new Set(), askedAt: 0 });
  }

  has(hash: string): boolean {
    return this.here.has(hash);
  }

  /** False when this is no piece, or came already. */
  place(hash: string, payload: Uint8Array): boolean {
    const piece = this.missing.get(hash);
    if (piece === undefined) return false;
    // A list may lie about what lies where; the state's hash will tell, but nothing may be written beside its place.
    for (const index of piece.places)
      this.file.set(payload.subarray(0, pieceLength(this.list, index)), index * this.list.pieceBytes);
    this.missing.delete(hash);
    this.here.add(hash);
    return true;
  }

  /** Stretches of missing pieces, so that few requests read them. */
  gaps(): { offset: number; length: number }[] {
    const gaps: { offset: number; length: number }[] = [];
    for (const [index, hash] of this.list.hashes.entries()) {
      if (!this.missing.has(hash)) continue;
      const [offset, length] = [index * this.list.pieceBytes, pieceLength(this.list, index)];
      const last = gaps.at(-1);
      if (last !== undefined && last.offset + last.length === offset && last.length + length <= storedBytesAtOnce)
        last.length += length;
      else gaps.push({ offset, length });
    }
    return gaps;
  }
}
