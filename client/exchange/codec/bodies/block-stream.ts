// The largest elements of each of some blocks, as one stream of bits. A block: its stated magnitudes (bfloat16), the gaps
// between the sent indices in Golomb-Rice code (none when all are sent), then a code a value. With n elements a block, k sent,
// b bits a value and r the parameter, a block has at most
//   16 (b = 1) or 32 bits + k b + k (r + 1) + floor((n - k) / 2^r),
// with the r that makes this least: 8.0 bits an index at k = 64 against 12 for plain ones and 64 for a bitmap (7.4 at best).

import { LoomError } from '../../../../shared/errors.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import {
  bfloat16Bits,
  codeOf,
  fromBfloat16,
  rangeOf,
  statedMagnitudes,
  valueOf,
} from '../../../../kernels/compress/quantize.ts';
import type { Range, ValueBits } from '../../../../kernels/compress/quantize.ts';
import { sentOf } from '../../../../kernels/compress/records.ts';
import { largestMagnitudes } from '../../../../kernels/compress/select.ts';

export interface BlockSettings {
  readonly density: number;
  readonly bits: ValueBits;
  readonly folds?: number; // so many times as much is sent of each block
}

/** Visits the blocks of a vector in their order: where each begins and its elements. */
export type Blocks = (visit: (start: number, length: number) => void) => void;

/** What is said of a block, of which `sent` elements are sent. */
type Say = (start: number, length: number, sent: number) => SaidBlock;

/** Bytes of the shortest and the longest stream. */
export function streamSizes(settings: BlockSettings, blocks: Blocks): { min: number; max: number } {
  const { bits } = settings;
  let min = 0;
  let max = 0;
  blocks((_, length) => {
    const sent = countOf(length, settings);
    const indices = indexBits(length, sent);
    const least = 16 * statedMagnitudes(bits) + sent * bits;
    min += least + indices.min;
    max += least + indices.max;
  });
  return { min: Math.ceil(min / 8), max: Math.ceil(max / 8) };
}

/** @param body zeros, of the longest size @returns bytes written */
export function writeBlocks(settings: BlockSettings, blocks: Blocks, values: Float32Array, body: DataView): number {
  return writeSaid(settings, blocks, body, (start, length, sent) =>
    chooseAndCode(values.subarray(start, start + length), sent, settings.bits),
  );
}

/** @param values zeros @throws LoomError `invalid_frame` for a stream that `writeBlocks` never produces */
export function readBlocks(settings: BlockSettings, blocks: Blocks, body: DataView, values: Float32Array): void {
  const reader = new BitReader(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  blocks((start, length) =>
    readBlock(reader, values.subarray(start, start + length), countOf(length, settings), settings.bits),
  );
  reader.finish();
}

/** As `writeBlocks`, from what is said of each block, whoever chose it. */
export function writeSaid(settings: BlockSettings, blocks: Blocks, body: DataView, say: Say): number {
  const { bits } = settings;
  const writer = new BitWriter(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  blocks((start, length) => {
    const sent = countOf(length, settings);
    const { range, indices, codes } = say(start, length, sent);
    writer.write(bfloat16Bits(range.low), 16);
    if (statedMagnitudes(bits) === 2) writer.write(bfloat16Bits(range.high), 16);
    if (indices !== null) writeGaps(writer, indices, riceParameter(length, sent));
    for (let i = 0; i < sent; i++) writer.write(codes[i]!, bits);
  });
  return writer.byteLength;
}

/** Elements sent of a block. */
function countOf(length: number, { density, folds = 1 }: BlockSettings): number {
  return Math.min(length, folds * sentOf(length, density));
}

function indexBits(length: number, sent: number): { min: number; max: number } {
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

function chooseAndCode(block: Float32Array, sent: number, bits: ValueBits): SaidBlock {
  const indices = sent < block.length ? largestMagnitudes(block, sent) : null;
  const values = indices === null ? block : valuesAt(block, indices);
  const range = rangeOf(values, bits);
  const codes = new Uint8Array(sent);
  for (let i = 0; i < sent; i++) codes[i] = codeOf(values[i]!, range, bits);
  return { range, indices, codes };
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
