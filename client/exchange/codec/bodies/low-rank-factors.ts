// The pair of vectors whose product u v' is nearest to a matrix, by power iteration, both in few bits (PowerSGD, arXiv
// 1905.13727, one rank at a time: each later pair also mends what quantising the earlier ones lost). Matrices are [m, n],
// row-major. Only the encoder runs this, so its sums need not be the same on every machine; what a code stands for is.

import { levelCode, levelValue } from './normal-levels.ts';
import type { LevelBits } from './normal-levels.ts';
import { toBfloat16 } from '../../../../kernels/compress/quantize.ts';

const powerIterations = 3;

/** The matrix scale * u v', u and v in units of their own root mean square. */
export interface FactorPair {
  readonly scale: number; // bfloat16, not negative
  readonly rows: Uint8Array; // codes of u, [m]
  readonly columns: Uint8Array; // codes of v, [n]
}

/** @param matrix [m, n]; what the pair says is subtracted from it */
export function takeFactors(
  matrix: Float32Array,
  m: number,
  n: number,
  bits: LevelBits,
  largestScale: number,
): FactorPair {
  let v: Float32Array = largestRow(matrix, m, n);
  let u = new Float32Array(m);
  for (let i = 0; i < powerIterations; i++) {
    u = unit(timesColumn(matrix, m, n, v));
    v = rowTimes(matrix, m, n, u);
  }
  const rows = codesOf(u, bits);
  const spoken = valuesOf(rows, bits);
  v = rowTimes(matrix, m, n, spoken).map((value) => value / dot(spoken, spoken)); // the best v for the u that is sent
  const columns = codesOf(v, bits);
  const heard = valuesOf(columns, bits);
  const scale = Math.max(0, dot(v, heard) / dot(heard, heard));
  const pair = { scale: Math.min(toBfloat16(scale), largestScale), rows, columns };
  addFactors(matrix, n, pair, bits, -1);
  return pair;
}

/** matrix += sign * scale * u v', each operation rounded to float32, so that every engine gets the same bits. */
export function addFactors(
  matrix: Float32Array,
  n: number,
  { scale, rows, columns }: FactorPair,
  bits: LevelBits,
  sign: 1 | -1 = 1,
): void {
  const v = valuesOf(columns, bits);
  for (let i = 0; i < rows.length; i++) {
    const factor = Math.fround(sign * scale * levelValue(rows[i]!, bits));
    for (let j = 0; j < n; j++) matrix[i * n + j] = matrix[i * n + j]! + Math.fround(factor * v[j]!);
  }
}

/** Codes of the values in units of their root mean square. */
function codesOf(values: Float32Array, bits: LevelBits): Uint8Array {
  const unitSize = Math.sqrt(dot(values, values) / values.length) || 1;
  return Uint8Array.from(values, (value) => levelCode(value / unitSize, bits));
}

function valuesOf(codes: Uint8Array, bits: LevelBits): Float32Array<ArrayBuffer> {
  return Float32Array.from(codes, (code) => levelValue(code, bits));
}

function largestRow(matrix: Float32Array, m: number, n: number): Float32Array {
  let largest = 0;
  let at = 0;
  for (let i = 0; i < m; i++) {
    let sum = 0;
    for (let j = i * n; j < (i + 1) * n; j++) sum += matrix[j]! * matrix[j]!;
    if (sum <= largest) continue;
    largest = sum;
    at = i;
  }
  return matrix.subarray(at * n, (at + 1) * n);
}

/** [m] = matrix v */
function timesColumn(matrix: Float32Array, m: number, n: number, v: Float32Array): Float32Array<ArrayBuffer> {
  const product = new Float32Array(m);
  for (let i = 0; i < m; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * v[j]!;
    product[i] = sum;
  }
  return product;
}

/** [n] = u' matrix */
function rowTimes(matrix: Float32Array, m: number, n: number, u: Float32Array): Float32Array<ArrayBuffer> {
  const product = new Float32Array(n);
  for (let i = 0; i < m; i++) {
    const factor = u[i]!;
    for (let j = 0; j < n; j++) product[j] = product[j]! + factor * matrix[i * n + j]!;
  }
  return product;
}

function unit(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const length = norm(values);
  return length > 0 ? values.map((value) => value / length) : values;
}

function norm(values: Float32Array): number {
  return Math.sqrt(dot(values, values));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
