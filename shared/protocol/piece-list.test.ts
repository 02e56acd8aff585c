import { expect, test } from 'vitest';
import { sha256Hex, toHex } from '../bytes.ts';
import { LoomError } from '../errors.ts';
import { createRandom } from '../random.ts';
import { chunkBytes } from './frame.ts';
import { decodePieceList, encodePieceList, listPieces, pieceBytesFor, pieceLength } from './piece-list.ts';

const file = Uint8Array.from({ length: 2 * chunkBytes + 3 }, (_, i) => (i * 7) % 251);
const read = async (offset: number, length: number): Promise<Uint8Array> => file.subarray(offset, offset + length);

test('golden bytes', () => {
  const hash = 'ab'.repeat(32);
  const encoded = encodePieceList({ fileBytes: 0x1_0000_0001, pieceBytes: 0x0400_0000, hashes: Array(65).fill(hash) });
  expect(toHex(encoded)).toBe(`4c4d504c0100000001000000010000000000000441000000${hash.repeat(65)}`);
});

test('a file is listed piece by piece, and the list is read back', async () => {
  const list = await listPieces(file.length, read);
  expect(list.hashes).toHaveLength(3);
  expect(list.hashes[2]).toBe(sha256Hex(file.subarray(2 * chunkBytes)));
  expect([0, 1, 2].map((index) => pieceLength(list, index))).toEqual([chunkBytes, chunkBytes, 3]);
  expect(decodePieceList(encodePieceList(list), file.length)).toEqual(list);
});

test('pieces are whole frames, and at most 4 MiB of even the largest file', () => {
  expect(pieceBytesFor(1)).toBe(chunkBytes);
  expect(pieceBytesFor(1e9) % chunkBytes).toBe(0);
  expect(pieceBytesFor(1e12)).toBeLessThanOrEqual(4 * 2 ** 20);
});

test('fuzz: what is no list of this file is refused with invalid_frame, whatever it says', async () => {
  const good = encodePieceList(await listPieces(file.length, read));
  expect(codeOf(good, file.length + 1)).toBe('invalid_frame');
  const random = createRandom(4);
  for (let i = 0; i < 2000; i++) {
    const bytes = good.slice(0, i % 2 === 0 ? good.length : random.below(good.length));
    if (i % 2 === 0) bytes[random.below(24)]! ^= 1 + random.below(255);
    expect(codeOf(bytes, file.length)).toBe('invalid_frame');
  }
});

function codeOf(bytes: Uint8Array, fileBytes: number): string {
  try {
    decodePieceList(bytes, fileBytes);
    return 'decoded';
  } catch (error) {
    return error instanceof LoomError ? error.code : String(error);
  }
}
