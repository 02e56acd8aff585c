// The list of the pieces of a checkpoint's file, by which a joiner fetches it from several peers at once. Whoever holds the
// agreed state writes the same file, so the same list, and each piece is checked by its hash as it comes. The list itself is
// checked by what it leads to: the state must have the hash that the room agreed on. Little-endian.
//
//   byte  0  'LMPL'              byte  8  bytes of the file, u64     byte 20  pieces, u32
//   byte  4  version, u8         byte 16  bytes of a piece, u32      byte 24  SHA-256 of each piece, in order
//   byte  5  zero, 3 bytes       (the last piece may be shorter)

import { fromHex, sha256Hex, toHex } from '../bytes.ts';
import type { Bytes } from '../bytes.ts';
import { LoomError } from '../errors.ts';
import { chunkBytes } from './frame.ts';

export interface PieceList {
  readonly fileBytes: number;
  readonly pieceBytes: number;
  readonly hashes: readonly string[];
}

const magic = 0x4c50_4d4c; // 'LMPL' read as a little-endian u32
const version = 1;
const headerBytes = 24;
const hashBytes = 32;

/** Whole frames, about 256 pieces a file, and never above 4 MiB: what a peer holds in memory for each that asks. */
export function pieceBytesFor(fileBytes: number): number {
  return chunkBytes * Math.max(1, Math.min(64, Math.ceil(fileBytes / (256 * chunkBytes))));
}

/** Bytes of piece `index`. */
export function pieceLength({ fileBytes, pieceBytes }: PieceList, index: number): number {
  return Math.min(pieceBytes, fileBytes - index * pieceBytes);
}

/** @param read bytes of the file, of which only one piece is asked for at a time */
export async function listPieces(
  fileBytes: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<PieceList> {
  const pieceBytes = pieceBytesFor(fileBytes);
  const hashes: string[] = [];
  for (let offset = 0; offset < fileBytes; offset += pieceBytes) {
    hashes.push(sha256Hex(await read(offset, Math.min(pieceBytes, fileBytes - offset))));
  }
  return { fileBytes, pieceBytes, hashes };
}

export function encodePieceList({ fileBytes, pieceBytes, hashes }: PieceList): Bytes {
  const bytes = new Uint8Array(headerBytes + hashBytes * hashes.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint8(4, version);
  view.setBigUint64(8, BigInt(fileBytes), true);
  view.setUint32(16, pieceBytes, true);
  view.setUint32(20, hashes.length, true);
  for (const [index, hash] of hashes.entries()) bytes.set(fromHex(hash), headerBytes + hashBytes * index);
  return bytes;
}

/** @throws LoomError `invalid_frame` for what is no list of a file of `fileBytes` */
export function decodePieceList(bytes: Uint8Array, fileBytes: number): PieceList {
  if (bytes.length < headerBytes) throw invalid('length', bytes.length, `at least ${headerBytes}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw invalid('magic', view.getUint32(0, true), 'LMPL');
  const versionAndZeros = view.getUint32(4, true);
  if (versionAndZeros !== version) throw invalid('version', versionAndZeros, String(version));
  const stated = Number(view.getBigUint64(8, true));
  if (stated !== fileBytes) throw invalid('file bytes', stated, String(fileBytes));
  const pieceBytes = view.getUint32(16, true);
  const prescribed = pieceBytesFor(fileBytes);
  if (pieceBytes !== prescribed) throw invalid('piece bytes', pieceBytes, String(prescribed));
  const count = Math.ceil(fileBytes / pieceBytes);
  if (view.getUint32(20, true) !== count) throw invalid('pieces', view.getUint32(20, true), String(count));
  const expected = headerBytes + hashBytes * count;
  if (bytes.length !== expected) throw invalid('length', bytes.length, String(expected));
  const hashes = Array.from({ length: count }, (_, i) => {
    const at = headerBytes + hashBytes * i;
    return toHex(bytes.subarray(at, at + hashBytes));
  });
  return { fileBytes, pieceBytes, hashes };
}

function invalid(field: string, found: number, allowed: string): LoomError {
  return new LoomError('invalid_frame', `a list of pieces with ${field} ${found}`, {
    where: `pieces.${field}`,
    allowed,
  });
}
