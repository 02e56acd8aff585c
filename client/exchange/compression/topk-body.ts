// The largest elements of each block of 4096, as one stream of bits. A block: its stated magnitudes (bfloat16), the gaps
// between the sent indices in Golomb-Rice code (none when all are sent), then a code a value. With n elements a block, k sent,
// b bits a value and r the parameter, a block has at most
//   16 (b = 1) or 32 bits + k b + k (r + 1) + floor((n - k) / 2^r),
// with the r that makes this least: 8.0 bits an index at k = 64 against 12 for plain ones and 64 for a bitmap (7.4 at best).

import { LoomError } from '../../../shared/errors.ts';
import type { CodecBody } from '../codec-body.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import {
  bfloat16Bits,
  codeOf,
  fromBfloat16,
  rangeOf,
  statedMagnitudes,
  valueOf,
} from '../../../kernels/compress/quantize.ts';
import type { Range, ValueBits } from '../../../kernels/compress/quantize.ts';
import { sentOf, topkBlockElements } from '../../../kernels/compress/records.ts';
import { largestMagnitudes } from '../../../kernels/compress/select.ts';

const blockElements = topkBlockElements;

interface Settings {
  readonly density: number;
  readonly bits: ValueBits;
}

export function topkBody({ density, bits }: Settings): CodecBody {
  return {
    id: 3,
    sizes(elements) {
      let min = 0;
      let max = 0;
      forBlocks(elements, (_, length) => {
        const least = 16 * statedMagnitudes(bits) + sentOf(length, density) * bits;
        min += least + indexBits(length, density).min;
        max += least + indexBits(length, density).max;
      });
      return { min: Math.ceil(min / 8), max: Math.ceil(max / 8) };
    },
    write(difference, body) {
      return writeTopk({ density, bits }, difference.length, body, (start, length, sent) =>
        chooseAndCode(difference.subarray(start, start + length), sent, bits),
      );
    },
    read(body, difference) {
      const reader = new BitReader(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
      forBlocks(difference.length, (start, length) =>
        readBlock(reader, difference.subarray(start, start + length), sentOf(length, density), bits),
      );
      reader.finish();
    },
  };
}

function forBlocks(elements: number, visit: (start: number, length: number) => void): void {
  for (let start = 0; start < elements; start += blockElements) visit(start, Math.min(blockElements, elements - start));
}

function indexBits(length: number, density: number): { min: number; max: number } {
  const sent = sentOf(length, density);
  if (sent === length) return { min: 0, max: 0 };
  const parameter = riceParameter(length, sent);
  return { min: sent * (parameter + 1), max: riceBound(length, sent, parameter) };
}

/** The gaps add up to length - sent at most, so the ones of all of them together are no more than that >> parameter. */
function riceBound(length: number, sent: number, parameter: number): number {
  return sent * (parameter + 1) + ((length - sent) >>> parameter);
}

function riceParameter(length: number, sent: number): number {
  let best = 0;
  for (let parameter = 1; parameter <= 12; parameter++) {
    if (riceBound(length, sent, parameter) < riceBound(length, sent, best)) best = parameter;
  }
  return best;
}

/** What is said of a block: its magnitudes, the elements that are sent (null when all are) and their codes. */
export interface SaidBlock {
  readonly range: Range;
  readonly indices: Uint32Array | null; // ascending
  readonly codes: ArrayLike<number>;
}

/**
 * Writes the body of a payload from what is said of each block, whoever chose it.
 * @param body zeros, of the longest size
 * @param say of the `length` elements from `start` on, of which `sent` are sent
 * @returns bytes written
 */
export function writeTopk(
  { density, bits }: Settings,
  elements: number,
  body: DataView,
  say: (start: number, length: number, sent: number) => SaidBlock,
): number {
  const writer = new BitWriter(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  forBlocks(elements, (start, length) => {
    const sent = sentOf(length, density);
    const { range, indices, codes } = say(start, length, sent);
    writer.write(bfloat16Bits(range.low), 16);
    if (statedMagnitudes(bits) === 2) writer.write(bfloat16Bits(range.high), 16);
    if (indices !== null) writeGaps(writer, indices, riceParameter(length, sent));
    for (let i = 0; i < sent; i++) writer.write(codes[i]!, bits);
  });
  return writer.byteLength;
}

function chooseAndCode(block: Float32Array, sent: number, bits: ValueBits): SaidBlock {
  const indices = sent < block.length ? largestMagnitudes(block, sent) : null;
  const values = indices === null ? block : valuesAt(block, indices);
  const range = rangeOf(values, bits);
  return { range, indices, codes: Uint8Array.from(values, (value) => codeOf(value, range, bits)) };
}

function valuesAt(block: Float32Array, indices: Uint32Array): Float32Array {
  const values = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) values[i] = block[indices[i]!]!;
  return values;
}

function writeGaps(writer: BitWriter, indices: Uint32Array, parameter: number): void {
  let next = 0;
  for (const index of indices) {
    writer.writeRice(index - next, parameter);
    next = index + 1;
  }
}

function readBlock(reader: BitReader, block: Float32Array, sent: number, bits: ValueBits): void {
  const range = readRange(reader, bits);
  const indices = sent < block.length ? readGaps(reader, block.length, sent) : null;
  const values = Float32Array.from({ length: 2 ** bits }, (_, code) => valueOf(code, range, bits));
  for (let i = 0; i < sent; i++) block[indices === null ? i : indices[i]!] = values[reader.read(bits)]!;
}

function readRange(reader: BitReader, bits: ValueBits): Range {
  const low = fromBfloat16(reader.read(16));
  const high = statedMagnitudes(bits) === 1 ? low : fromBfloat16(reader.read(16));
  if (low >= 0 && high >= low && Number.isFinite(high)) return { low, high };
  throw new LoomError('invalid_frame', `magnitudes ${low} to ${high} in a payload`, { allowed: '0 <= low <= high' });
}

function readGaps(reader: BitReader, length: number, sent: number): Uint32Array {
  const parameter = riceParameter(length, sent);
  const indices = new Uint32Array(sent);
  let next = 0;
  for (let i = 0; i < sent; i++) {
    const max = length - next - (sent - i); // leaves room for those that follow
    indices[i] = next + reader.readRice(parameter, max);
    next = indices[i]! + 1;
  }
  return indices;
}
