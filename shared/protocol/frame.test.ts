import { expect, test } from 'vitest';
import { sha256Hex, toHex, utf8 } from '../bytes.ts';
import { LoomError } from '../errors.ts';
import { createRandom } from '../random.ts';
import {
  chunkBytes,
  decodeFrame,
  encodeFrame,
  headerBytes,
  maxFrameBytes,
  maxPayloadBytes,
  payloadFrames,
} from './frame.ts';
import type { Frame } from './frame.ts';

const payload = utf8('loom');
const hash = sha256Hex(payload);

function codeOf(bytes: Uint8Array): string {
  try {
    decodeFrame(bytes);
    return 'decoded';
  } catch (error) {
    return error instanceof LoomError ? error.code : String(error);
  }
}

function changed(at: number, value: number): Uint8Array {
  const bytes = encodeFrame({ kind: 'chunk', round: 7, hash, index: 0, count: 1, totalBytes: 4, body: payload });
  bytes[at] = value;
  return bytes;
}

test('frames have these bytes', () => {
  const chunk = encodeFrame({ kind: 'chunk', round: 258, hash, index: 0, count: 1, totalBytes: 4, body: payload });
  expect(toHex(chunk)).toBe(`4c4f4f4d0101000002010000000000000100000004000000${hash}6c6f6f6d`);
  expect(toHex(encodeFrame({ kind: 'want', round: 1, hash }))).toBe(
    `4c4f4f4d0102000001000000${'00'.repeat(12)}${hash}`,
  );
  expect(toHex(encodeFrame({ kind: 'listed', round: 1, hash, list: 'cd'.repeat(32) }))).toBe(
    `4c4f4f4d0105000001000000${'00'.repeat(12)}${hash}${'cd'.repeat(32)}`,
  );
  expect(toHex(encodeFrame({ kind: 'unavailable', round: 1, hash }))).toBe(
    `4c4f4f4d0103000001000000${'00'.repeat(12)}${hash}`,
  );
});

test('decoding gives back what was encoded', () => {
  const frames: Frame[] = [
    { kind: 'chunk', round: 0xffffffff, hash, index: 0, count: 1, totalBytes: 4, body: payload },
    { kind: 'want', round: 0, hash },
    { kind: 'unavailable', round: 3, hash },
  ];
  for (const frame of frames) expect(decodeFrame(encodeFrame(frame))).toEqual(frame);
});

test('a frame may lie anywhere in a larger buffer', () => {
  const buffer = new Uint8Array(200).fill(9);
  const frame = encodeFrame({ kind: 'want', round: 5, hash });
  buffer.set(frame, 3);
  expect(decodeFrame(buffer.subarray(3, 3 + frame.length))).toEqual({ kind: 'want', round: 5, hash });
});

test('a payload is cut into full frames and a rest', () => {
  const long = new Uint8Array(chunkBytes + 1).fill(1);
  const frames = [...payloadFrames(2, hash, long)];
  expect(frames.map((frame) => frame.length)).toEqual([maxFrameBytes, headerBytes + 1]);
  expect([...payloadFrames(2, hash, long.subarray(1))].length).toBe(1);
});

test.each([
  ['another magic', changed(0, 0x4d), 'invalid_frame'],
  ['a newer version', changed(4, 2), 'unsupported_version'],
  ['an unknown kind', changed(5, 9), 'invalid_frame'],
  ['reserved bits', changed(6, 1), 'invalid_frame'],
  ['a chunk beyond the count', changed(12, 1), 'invalid_frame'],
  ['a wrong count', changed(16, 2), 'invalid_frame'],
  ['a wrong total', changed(20, 5), 'invalid_frame'],
  ['an empty payload', changed(20, 0), 'invalid_frame'],
  ['a payload over the limit', changed(23, 0x10), 'message_too_large'],
  ['a short header', changed(0, 0x4c).subarray(0, headerBytes - 1), 'invalid_frame'],
  ['a body cut off', changed(0, 0x4c).subarray(0, headerBytes + 3), 'invalid_frame'],
  ['nothing', new Uint8Array(0), 'invalid_frame'],
  ['a frame over the limit', new Uint8Array(maxFrameBytes + 1), 'message_too_large'],
])('%s is refused', (_, bytes, code) => {
  expect(codeOf(bytes)).toBe(code);
});

test('a request that carries a body or a number is refused', () => {
  const want = encodeFrame({ kind: 'want', round: 1, hash });
  expect(codeOf(Uint8Array.of(...want, 0))).toBe('invalid_frame');
  want[16] = 1;
  expect(codeOf(want)).toBe('invalid_frame');
});

test('a payload that is empty or too large is not sent', () => {
  expect(() => [...payloadFrames(0, hash, new Uint8Array(0))]).toThrow(/0 bytes/);
  const large = { length: maxPayloadBytes + 1, subarray: () => payload } as unknown as Uint8Array;
  expect(() => [...payloadFrames(0, hash, large)]).toThrow(LoomError);
});

test('damaged frames either decode or throw a named error', () => {
  const random = createRandom(1);
  const outcomes = new Set<string>();
  for (let run = 0; run < 5000; run++) {
    const bytes = changed(0, 0x4c);
    for (let flips = random.below(4); flips >= 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    outcomes.add(codeOf(bytes.subarray(0, random.below(10) === 0 ? random.below(bytes.length) : bytes.length)));
  }
  expect([...outcomes].toSorted()).toEqual(['decoded', 'invalid_frame', 'message_too_large', 'unsupported_version']);
});
