import { expect, test } from 'vitest';
import { sha256Hex } from '../bytes.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';
import { chunkBytes, decodeFrame, payloadFrames } from './frame.ts';
import type { ChunkFrame } from './frame.ts';
import { Reassembler } from './reassembler.ts';

function randomPayload(random: Random, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: random.uniform() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

function chunksOf(payload: Uint8Array, round = 0, hash = sha256Hex(payload)): ChunkFrame[] {
  return [...payloadFrames(round, hash, payload)].map((frame) => decodeFrame(frame) as ChunkFrame);
}

test('payloads come out whole whatever the order and however often a chunk comes', () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = createRandom(seed);
    const payloads = [1, 2, 3].map(() => randomPayload(random, 1 + random.below(3 * chunkBytes)));
    const chunks = shuffled(
      random,
      payloads.flatMap((payload) => chunksOf(payload)),
    );
    const reassembler = new Reassembler();
    const done = new Map<string, Uint8Array>();
    for (const chunk of chunks) {
      const copies = chunk.count === 1 ? [chunk] : [chunk, chunk];
      for (const copy of copies) {
        if (done.has(copy.hash)) continue; // as the exchange does: what it has it does not collect again
        const payload = reassembler.accept(copy);
        if (payload !== null) done.set(chunk.hash, payload);
      }
    }
    const whole = [...done.values()].map((payload) => sha256Hex(payload));
    expect(whole.toSorted(), `seed ${seed}`).toEqual(payloads.map((payload) => sha256Hex(payload)).toSorted());
    expect(reassembler.pending).toEqual({ payloads: 0, bytes: 0 });
  }
});

test('a payload with another hash is refused and forgotten', () => {
  const payload = randomPayload(createRandom(1), chunkBytes + 10);
  const [first, second] = chunksOf(payload, 0, 'ab'.repeat(32));
  const reassembler = new Reassembler();
  expect(reassembler.accept(second!)).toBeNull();
  expect(() => reassembler.accept(first!)).toThrow(expect.objectContaining({ code: 'invalid_frame', where: 'hash' }));
  expect(reassembler.pending.payloads).toBe(0);
});

test('a chunk that contradicts an earlier one is refused and the earlier ones stay', () => {
  const payload = randomPayload(createRandom(2), 2 * chunkBytes);
  const [first, second] = chunksOf(payload, 4);
  const reassembler = new Reassembler();
  reassembler.accept(first!);
  expect(() => reassembler.accept({ ...second!, round: 5 })).toThrow(
    expect.objectContaining({ code: 'invalid_frame' }),
  );
  expect(() => reassembler.accept({ ...second!, totalBytes: second!.totalBytes - 1 })).toThrow(/contradicts/);
  expect(reassembler.accept(second!)).toEqual(payload);
});

test('memory is bounded: the payload that waited longest is given up', () => {
  const random = createRandom(3);
  const [a, b, c] = [1, 2, 3].map(() => chunksOf(randomPayload(random, 2 * chunkBytes)));
  const reassembler = new Reassembler(4 * chunkBytes);
  reassembler.accept(a![0]!);
  reassembler.accept(b![0]!);
  reassembler.accept(a![0]!); // a is alive again, b is now the oldest
  reassembler.accept(c![0]!);
  expect(reassembler.pending).toEqual({ payloads: 2, bytes: 4 * chunkBytes });
  expect(reassembler.arrived(a![0]!.hash)).toBe(1);
  expect(reassembler.accept(a![1]!)).not.toBeNull();
  expect(reassembler.arrived(a![0]!.hash)).toBe(0);
  expect(reassembler.accept(b![1]!)).toBeNull(); // begins anew
});

test('a payload over the budget is refused, a dropped one forgotten', () => {
  const [first] = chunksOf(randomPayload(createRandom(4), 2 * chunkBytes));
  expect(() => new Reassembler(chunkBytes).accept(first!)).toThrow(
    expect.objectContaining({ code: 'message_too_large' }),
  );
  const reassembler = new Reassembler();
  reassembler.accept(first!);
  reassembler.drop(first!.hash);
  reassembler.drop(first!.hash);
  expect(reassembler.pending).toEqual({ payloads: 0, bytes: 0 });
});
