// Each parameter matrix as a few pairs of vectors (PowerSGD, arXiv 1905.13727), each vector in few bits; each parameter vector
// as signs. Trained differences are close to low rank, so a bit says more so than as the place of a large element. One stream:
// tensors in the plan's order; a matrix [m, n] is `rank` times a bfloat16 scale, m codes and n codes of b bits; a vector, or a
// matrix too small to gain, is a bfloat16 magnitude and a sign an element. Padding between tensors is not sent.

import { LoomError } from '../../../../shared/errors.ts';
import type { CodecBody } from './body.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import { addFactors, takeFactors } from './low-rank-factors.ts';
import type { FactorPair } from './low-rank-factors.ts';
import type { LevelBits } from './normal-levels.ts';
import type { TensorPlace } from '../../../../kernels/compress/chunks.ts';
import { bfloat16Bits, codeOf, fromBfloat16, rangeOf, valueOf } from '../../../../kernels/compress/quantize.ts';

const scaleBits = 16;
const largestScale = fromBfloat16(0x7000); // 1.6e29: sums of many products of it stay finite

interface Settings {
  readonly rank: number;
  readonly bits: LevelBits;
}

export function lowRankBody(settings: Settings, layout: readonly TensorPlace[]): CodecBody {
  const matrices = layout.map((place) => ({ ...place, ...matrixOf(place, settings) }));
  const bytes = Math.ceil(matrices.reduce((sum, matrix) => sum + streamBits(matrix, settings.bits), 0) / 8);
  return {
    id: 4,
    sizes: () => ({ min: bytes, max: bytes }),
    write(difference, body) {
      const writer = new BitWriter(bytesOf(body));
      for (const matrix of matrices) writeTensor(writer, sliceOf(difference, matrix), matrix, settings.bits);
      return writer.byteLength;
    },
    read(body, difference) {
      const reader = new BitReader(bytesOf(body));
      for (const matrix of matrices) readTensor(reader, sliceOf(difference, matrix), matrix, settings.bits);
      reader.finish();
    },
  };
}

/** How a tensor is sent: [m, n] by pairs, or with rank 0 by signs. */
interface Matrix {
  readonly m: number;
  readonly n: number;
  readonly rank: number;
}

function matrixOf({ elements, shape }: TensorPlace, { rank, bits }: Settings): Matrix {
  const m = shape[0] ?? 1;
  const n = elements / m;
  const gains = rank * (bits * (m + n) + scaleBits) < elements;
  return { m, n, rank: gains ? rank : 0 };
}

function streamBits({ m, n, rank }: Matrix, bits: LevelBits): number {
  return rank > 0 ? rank * (scaleBits + bits * (m + n)) : scaleBits + m * n;
}

function writeTensor(writer: BitWriter, values: Float32Array, { m, n, rank }: Matrix, bits: LevelBits): void {
  if (rank === 0) return writeSigns(writer, values);
  const rest = values.slice();
  for (let i = 0; i < rank; i++) {
    const { scale, rows, columns } = takeFactors(rest, m, n, bits, largestScale);
    writer.write(bfloat16Bits(scale), scaleBits);
    for (const code of rows) writer.write(code, bits);
    for (const code of columns) writer.write(code, bits);
  }
}

function readTensor(reader: BitReader, values: Float32Array, { m, n, rank }: Matrix, bits: LevelBits): void {
  if (rank === 0) return readSigns(reader, values);
  for (let i = 0; i < rank; i++) addFactors(values, n, readPair(reader, m, n, bits), bits);
}

function readPair(reader: BitReader, m: number, n: number, bits: LevelBits): FactorPair {
  const scale = readScale(reader);
  const rows = Uint8Array.from({ length: m }, () => reader.read(bits));
  return { scale, rows, columns: Uint8Array.from({ length: n }, () => reader.read(bits)) };
}

function writeSigns(writer: BitWriter, values: Float32Array): void {
  const { low } = rangeOf(values, 1);
  const range = { low: Math.min(low, largestScale), high: Math.min(low, largestScale) };
  writer.write(bfloat16Bits(range.low), scaleBits);
  for (const value of values) writer.write(codeOf(value, range, 1), 1);
}

function readSigns(reader: BitReader, values: Float32Array): void {
  const magnitude = readScale(reader);
  for (let i = 0; i < values.length; i++) {
    values[i] = valueOf(reader.read(1), { low: magnitude, high: magnitude }, 1);
  }
}

function readScale(reader: BitReader): number {
  const scale = fromBfloat16(reader.read(scaleBits));
  if (scale >= 0 && scale <= largestScale) return scale;
  throw new LoomError('invalid_frame', `a scale of ${scale} in a payload`, { allowed: `0 to ${largestScale}` });
}

function sliceOf(vector: Float32Array, { offset, elements }: TensorPlace): Float32Array {
  return vector.subarray(offset, offset + elements);
}

function bytesOf(body: DataView): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}
