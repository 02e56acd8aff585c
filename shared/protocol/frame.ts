// Binary frames between peers: a fixed 56-byte header, then a piece of a payload. One frame is one data channel message.
// A payload is named by its SHA-256 and cut into pieces of `chunkBytes`, the last one shorter; each piece says where it
// belongs, so pieces may come in any order, twice, or over several channels.
//
//   byte  0  'LOOM'                   byte  8  round, u32          byte 20  payload bytes, u32
//   byte  4  version, u8              byte 12  chunk index, u32    byte 24  SHA-256 of the payload, 32 bytes
//   byte  5  kind, u8                 byte 16  chunk count, u32    byte 56  the piece
//   byte  6  zero, u16                                             numbers are little-endian
//
// `listed` has the name of a list where a chunk has its piece. It only ever answers a `want` that names an agreed state, so
// workers that do not know it never get it.

import { fromHex, toHex } from '../bytes.ts';
import type { Bytes } from '../bytes.ts';
import { LoomError } from '../errors.ts';

export const frameVersion = 1;
/** Bytes of one frame with its header: what every WebRTC implementation carries in one message. */
export const maxFrameBytes = 64 * 1024;
export const headerBytes = 56;
const hashBytes = 32;
export const chunkBytes = maxFrameBytes - headerBytes;
export const maxPayloadBytes = 64 * 1024 * 1024;

/** A piece of a payload. */
export interface ChunkFrame {
  kind: 'chunk';
  round: number;
  hash: string; // SHA-256 of the whole payload
  index: number;
  count: number;
  totalBytes: number; // of the whole payload
  body: Uint8Array; // a view of the frame's bytes, not a copy
}

/** `want` asks for a payload; `unavailable` answers that this peer does not have it, `have` says unasked that it has. */
export interface RequestFrame {
  kind: 'want' | 'unavailable' | 'have';
  round: number;
  hash: string;
}

/** Answers a `want` whose hash is that of an agreed state: its file is held, in the pieces of this list (piece-list.ts). */
export interface ListedFrame {
  kind: 'listed';
  round: number;
  hash: string; // of the state
  list: string; // SHA-256 of the list
}

export type Frame = ChunkFrame | RequestFrame | ListedFrame;

const magic = 0x4d4f4f4c; // 'LOOM' read as a little-endian u32
const kindCodes: Record<Frame['kind'], number> = { chunk: 1, want: 2, unavailable: 3, have: 4, listed: 5 };
const kinds = new Map(Object.entries(kindCodes).map(([kind, code]) => [code, kind as Frame['kind']]));

/** How many frames a payload of this size takes. */
export function chunkCount(payloadBytes: number): number {
  return Math.ceil(payloadBytes / chunkBytes);
}

/** The frames of a payload, made one at a time so that a sender can wait for its channel to drain. */
export function* payloadFrames(round: number, hash: string, payload: Uint8Array): Generator<Bytes, void, undefined> {
  checkPayloadSize(payload.length);
  const count = chunkCount(payload.length);
  for (let index = 0; index < count; index++) {
    const body = payload.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    yield encodeFrame({ kind: 'chunk', round, hash, index, count, totalBytes: payload.length, body });
  }
}

export function encodeFrame(frame: Frame): Bytes {
  const body = bodyOf(frame);
  const bytes = new Uint8Array(headerBytes + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint8(4, frameVersion);
  view.setUint8(5, kindCodes[frame.kind]);
  view.setUint32(8, frame.round, true);
  if (frame.kind === 'chunk') {
    view.setUint32(12, frame.index, true);
    view.setUint32(16, frame.count, true);
    view.setUint32(20, frame.totalBytes, true);
  }
  bytes.set(fromHex(frame.hash), 24);
  bytes.set(body, headerBytes);
  return bytes;
}

function bodyOf(frame: Frame): Uint8Array {
  if (frame.kind === 'chunk') return frame.body;
  return frame.kind === 'listed' ? fromHex(frame.list) : new Uint8Array(0);
}

/**
 * Reads a frame whole: header fields, their relation to each other, and the length.
 * @throws LoomError `message_too_large`, `unsupported_version` or `invalid_frame`.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length > maxFrameBytes) throw tooLarge(`frame of ${bytes.length} bytes`, maxFrameBytes);
  if (bytes.length < headerBytes)
    throw invalid('frame', `${bytes.length} bytes are no frame`, `at least ${headerBytes} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = readKind(view);
  const round = view.getUint32(8, true);
  const hash = toHex(bytes.subarray(24, headerBytes));
  if (kind === 'chunk') return readChunk(view, round, hash, bytes.subarray(headerBytes));
  const unused = view.getUint32(12, true) + view.getUint32(16, true) + view.getUint32(20, true);
  const carried = bytes.subarray(headerBytes);
  if (unused !== 0 || carried.length !== (kind === 'listed' ? hashBytes : 0))
    throw invalid('frame', `a ${kind} frame with more or less than its hashes`, 'nothing else');
  return kind === 'listed' ? { kind, round, hash, list: toHex(carried) } : { kind, round, hash };
}

function readKind(view: DataView): Frame['kind'] {
  if (view.getUint32(0, true) !== magic) throw invalid('magic', 'not a LoomOS frame', 'LOOM');
  const version = view.getUint8(4);
  if (version !== frameVersion) {
    throw new LoomError('unsupported_version', `frame version ${version}`, {
      where: 'version',
      allowed: String(frameVersion),
    });
  }
  const kind = kinds.get(view.getUint8(5));
  if (kind === undefined) throw invalid('kind', `unknown frame kind ${view.getUint8(5)}`, [...kinds.keys()].join(', '));
  if (view.getUint16(6, true) !== 0) throw invalid('reserved', 'reserved bytes are set', '0');
  return kind;
}

function readChunk(view: DataView, round: number, hash: string, body: Uint8Array): ChunkFrame {
  const index = view.getUint32(12, true);
  const count = view.getUint32(16, true);
  const totalBytes = view.getUint32(20, true);
  checkPayloadSize(totalBytes);
  if (count !== chunkCount(totalBytes))
    throw invalid('count', `${count} chunks of a ${totalBytes}-byte payload`, String(chunkCount(totalBytes)));
  if (index >= count) throw invalid('index', `chunk ${index} of ${count}`, `0 to ${count - 1}`);
  const expected = Math.min(chunkBytes, totalBytes - index * chunkBytes);
  if (body.length !== expected) throw invalid('body', `chunk ${index} of ${body.length} bytes`, `${expected} bytes`);
  return { kind: 'chunk', round, hash, index, count, totalBytes, body };
}

function checkPayloadSize(bytes: number): void {
  if (bytes > maxPayloadBytes) throw tooLarge(`payload of ${bytes} bytes`, maxPayloadBytes);
  if (bytes === 0) throw invalid('payload', 'payload of 0 bytes', `1 to ${maxPayloadBytes} bytes`);
}

function tooLarge(what: string, maxBytes: number): LoomError {
  return new LoomError('message_too_large', what, { allowed: `${maxBytes} bytes` });
}

function invalid(where: string, message: string, allowed: string): LoomError {
  return new LoomError('invalid_frame', message, { where, allowed });
}
