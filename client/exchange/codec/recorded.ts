// Payloads made of the records that a device's compression leaves (kernels/compress): the same bytes as the codec's encoder
// makes of the same difference, except that a mean may differ in its last bit. The bit stream is written here, because
// each block begins where the last one ended.

import type { TensorPlace } from '../../../kernels/compress/chunks.ts';
import { chunkRecords } from '../../../kernels/compress/dct.ts';
import { byteBlockElements, largestShape, recordHeader, topkBlockElements } from '../../../kernels/compress/records.ts';
import type { LargestSettings } from '../../../kernels/compress/records.ts';
import { LoomError } from '../../../shared/errors.ts';
import { notFinite, writePayload } from './codec.ts';
import { int8Body } from './bodies/int8-body.ts';
import { writeSaid } from './bodies/block-stream.ts';
import type { SaidBlock } from './bodies/block-stream.ts';
import { dctBlocks, dctBody } from './bodies/dct-body.ts';
import { topkBlocks, topkBody } from './bodies/topk-body.ts';

const infinity = 0x7f80_0000; // as a float32's bits; NaN is above

/** @throws LoomError `internal` when an element was not finite, as the encoder */
export function topkPayload(
  settings: LargestSettings,
  elements: number,
  records: Uint32Array,
): Uint8Array<ArrayBuffer> {
  const { stride, isDense } = largestShape(elements, settings);
  const floats = new Float32Array(records.buffer, records.byteOffset, records.length);
  const say = (start: number, length: number, sent: number): SaidBlock => {
    const at = (start / topkBlockElements) * stride;
    if (records[at + 2]! >= infinity) throw notFinite();
    const words = records.subarray(at + recordHeader, at + stride);
    const codes = isDense ? unpack(words, length, settings.bits) : words.subarray(0, sent).map((word) => word >>> 16);
    const indices = sent < length ? ascending(words.subarray(0, sent), length) : null;
    return { range: { low: floats[at]!, high: floats[at + 1]! }, indices, codes };
  };
  return writePayload(topkBody(settings), elements, (body) => writeSaid(settings, topkBlocks(elements), body, say));
}

/** @throws LoomError `internal` when a coefficient was not finite, as the encoder */
export function dctPayload(
  settings: LargestSettings,
  layout: readonly TensorPlace[],
  elements: number,
  records: Uint32Array,
): Uint8Array<ArrayBuffer> {
  const tensors = chunkRecords(layout, settings);
  const starts = tensors.flatMap(({ chunks, first, stride }) =>
    Array.from({ length: chunks }, (_, chunk) => first + chunk * stride),
  );
  const floats = new Float32Array(records.buffer, records.byteOffset, records.length);
  let chunk = 0;
  const say = (_: number, length: number, sent: number): SaidBlock => {
    const at = starts[chunk++]!;
    if (records[at + 2]! >= infinity) throw notFinite();
    const words = records.subarray(at + recordHeader, at + recordHeader + sent);
    const indices = sent < length ? ascending(words, length) : null;
    return { range: { low: floats[at]!, high: floats[at + 1]! }, indices, codes: words.map((word) => word >>> 16) };
  };
  const blocks = dctBlocks(tensors.map(({ tensor }) => tensor));
  return writePayload(dctBody(settings, layout), elements, (body) => writeSaid(settings, blocks, body, say));
}

/** @throws LoomError `internal` when an element was not finite, as the encoder */
export function bytesPayload(elements: number, records: Uint32Array): Uint8Array<ArrayBuffer> {
  const stride = 1 + byteBlockElements / 4;
  const blocks = Math.ceil(elements / byteBlockElements);
  const floats = new Float32Array(records.buffer, records.byteOffset, records.length);
  return writePayload(int8Body, elements, (body) => {
    for (let block = 0; block < blocks; block++) {
      const at = block * stride;
      if (records[at]! >= infinity) throw notFinite();
      body.setFloat32(4 * block, Math.fround(floats[at]! / 127), true);
      const start = block * byteBlockElements;
      for (let i = start; i < Math.min(start + byteBlockElements, elements); i++) {
        const word = records[at + 1 + Math.floor((i - start) / 4)]!;
        body.setUint8(4 * blocks + i, (word >>> (8 * (i % 4))) & 0xff);
      }
    }
    return 4 * blocks + elements;
  });
}

/** A device that is wrong must not make a stream without end. */
function ascending(words: Uint32Array, length: number): Uint32Array {
  const indices = words.map((word) => word & 0xffff);
  const isRight = indices.every((index, i) => index < length && (i === 0 || index > indices[i - 1]!));
  if (!isRight) throw new LoomError('internal', 'the device chose elements that the block does not have');
  return indices;
}

/** Codes that lie one after the other, the first in the lowest bits. */
function unpack(words: Uint32Array, count: number, bits: number): Uint8Array {
  return Uint8Array.from(
    { length: count },
    (_, i) => (words[Math.floor((i * bits) / 32)]! >>> ((i * bits) % 32)) & (2 ** bits - 1),
  );
}
