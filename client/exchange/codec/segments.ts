// Payloads in segments, where a round adds up. A segment of a dense payload is a payload of the same codec with some of the
// elements; the limits are multiples of a block, so that segments that are written apart have the bytes of the whole.

import { byteBlockElements } from '../../../kernels/compress/records.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { RoundCompression } from '../../../shared/manifest/compression.ts';
import { payloadBody, writePayload } from './codec.ts';
import type { DenseBody } from './bodies/body.ts';
import { float32Body } from './bodies/float32-body.ts';
import { int8Body } from './bodies/int8-body.ts';

/** @throws LoomError `internal` for a compression whose payloads are not dense */
export function denseBody({ kind }: RoundCompression): DenseBody {
  if (kind === 'none') return float32Body;
  if (kind === 'int8') return int8Body;
  throw new LoomError('internal', `payloads of ${kind} are not cut into segments`);
}

/** The elements of one of `count` segments; empty where there are fewer blocks than segments. */
export function segmentRange(elements: number, count: number, segment: number): { from: number; to: number } {
  const blocks = Math.ceil(elements / byteBlockElements);
  const limit = (place: number): number => Math.min(elements, byteBlockElements * Math.floor((blocks * place) / count));
  return { from: limit(segment), to: limit(segment + 1) };
}

/** Cuts a payload of ours into payloads of one segment each. */
export function splitPayload(
  body: DenseBody,
  payload: Uint8Array,
  elements: number,
  count: number,
): Uint8Array<ArrayBuffer>[] {
  const whole = payloadBody(payload);
  return Array.from({ length: count }, (_, segment) => {
    const { from, to } = segmentRange(elements, count, segment);
    return writePayload(body, to - from, (piece) => {
      const parts = planesIn(body, elements, from, to);
      let at = 0;
      for (const { offset, bytes } of parts) at = copy(whole, offset, piece, at, bytes);
      return at;
    });
  });
}

/** Puts the payloads of all segments together again. @param pieces that decode, each for its range */
export function joinPayloads(
  body: DenseBody,
  pieces: readonly Uint8Array[],
  elements: number,
): Uint8Array<ArrayBuffer> {
  return writePayload(body, elements, (whole) => {
    for (const [segment, piece] of pieces.entries()) {
      const { from, to } = segmentRange(elements, pieces.length, segment);
      let at = 0;
      for (const { offset, bytes } of planesIn(body, elements, from, to)) {
        copy(payloadBody(piece), at, whole, offset, bytes);
        at += bytes;
      }
    }
    return whole.byteLength;
  });
}

/** Where the elements of a range lie in the body of the whole. */
function planesIn(
  { planes }: DenseBody,
  elements: number,
  from: number,
  to: number,
): { offset: number; bytes: number }[] {
  let start = 0;
  return planes.map(({ bytes, perElements }) => {
    const [first, end] = [from, to].map((element) => Math.ceil(element / perElements) * bytes) as [number, number];
    const place = { offset: start + first, bytes: end - first };
    start += Math.ceil(elements / perElements) * bytes;
    return place;
  });
}

function copy(source: DataView, from: number, target: DataView, to: number, bytes: number): number {
  new Uint8Array(target.buffer, target.byteOffset + to, bytes).set(
    new Uint8Array(source.buffer, source.byteOffset + from, bytes),
  );
  return to + bytes;
}
