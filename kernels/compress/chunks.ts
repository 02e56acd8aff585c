// Parameter tensors as chunks, each turned into the coefficients of an orthonormal cosine basis and back. What training changes is
// smooth enough across a matrix that few coefficients hold much of it (DeMo, arXiv 2411.19870). A matrix [m, n] has chunks of
// [a, b], the largest divisors of m and n up to 64; a vector is a matrix of one row. A tensor's chunks lie one after the other.

import { cosineOf, inverse, scalesOf, transform } from './cosine.ts';

const longestSide = 64;
/** Beyond it a float32 sum of coefficients could overflow: 64 * 64 of them, each times 2 / 64 at most, stay below 2^127. */
const largestCoefficient = 2 ** 119;

/** A parameter tensor's place in the flat vector. */
export interface TensorPlace {
  readonly offset: number;
  readonly elements: number;
  readonly shape: readonly number[];
}

/** A tensor [m, n] in chunks of [a, b]. */
export interface Chunked {
  readonly place: TensorPlace;
  readonly n: number;
  readonly a: number;
  readonly b: number;
}

export function chunked(place: TensorPlace): Chunked {
  const { shape, elements } = place;
  const m = shape.length < 2 ? 1 : shape[0]!;
  const n = elements / m;
  return { place, n, a: largestDivisor(m), b: largestDivisor(n) };
}

function largestDivisor(size: number): number {
  let divisor = Math.min(size, longestSide);
  while (size % divisor !== 0) divisor--;
  return divisor;
}

/** The basis of a side as a matrix [coefficient, element], for devices. */
export function basisOf(n: number): Float32Array {
  const scales = scalesOf(n);
  return Float32Array.from({ length: n * n }, (_, at) => {
    const k = Math.floor(at / n);
    return scales[k]! * cosineOf((2 * (at % n) + 1) * k, 2 * n);
  });
}

/** @param values of the tensor @param coefficients as many, [chunk, a, b] */
export function toCoefficients(chunks: Chunked, values: Float32Array, coefficients: Float32Array): void {
  const { n, a, b } = chunks;
  const [x, y] = [new Float64Array(a * b), new Float64Array(a * b)];
  const [ofRow, ofColumn] = [scalesOf(a), scalesOf(b)];
  for (let chunk = 0; chunk * a * b < values.length; chunk++) {
    const first = startOf(chunks, chunk);
    for (let row = 0; row < a; row++) x.set(values.subarray(first + row * n, first + row * n + b), row * b);
    transform(x, y, a, b);
    transpose(x, y, a, b);
    transform(y, x, b, a);
    for (let row = 0, to = chunk * a * b; row < a; row++)
      for (let column = 0; column < b; column++, to++)
        coefficients[to] = clamp(y[column * a + row]! * ofRow[row]! * ofColumn[column]!);
  }
}

/** The inverse of `toCoefficients`, each value rounded to float32 once. */
export function fromCoefficients(chunks: Chunked, coefficients: Float32Array, values: Float32Array): void {
  const { n, a, b } = chunks;
  const [x, y] = [new Float64Array(a * b), new Float64Array(a * b)];
  const [ofRow, ofColumn] = [scalesOf(a), scalesOf(b)];
  for (let chunk = 0; chunk * a * b < values.length; chunk++) {
    for (let row = 0, from = chunk * a * b; row < a; row++)
      for (let column = 0; column < b; column++, from++)
        x[row * b + column] = coefficients[from]! * ofRow[row]! * ofColumn[column]!;
    inverse(x, y, a, b);
    transpose(x, y, a, b);
    inverse(y, x, b, a);
    transpose(y, x, b, a);
    const first = startOf(chunks, chunk);
    for (let row = 0; row < a; row++) values.set(x.subarray(row * b, row * b + b), first + row * n);
  }
}

/** Where in the tensor a chunk's first element lies; its next row begins n elements later. */
function startOf({ n, a, b }: Chunked, chunk: number): number {
  const across = n / b;
  return Math.floor(chunk / across) * a * n + (chunk % across) * b;
}

/** y [columns, rows] = x [rows, columns] transposed. */
function transpose(x: Float64Array, y: Float64Array, rows: number, columns: number): void {
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j]!;
}

function clamp(coefficient: number): number {
  return Math.max(-largestCoefficient, Math.min(largestCoefficient, coefficient));
}
