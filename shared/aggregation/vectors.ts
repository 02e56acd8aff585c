// Arithmetic of the aggregation rules. Vectors are float32; sums of many elements are kept in float64 and rounded once, in a
// fixed order, with + - * / and sqrt only: ECMAScript defines these to the bit, so every engine agrees. Float64 also holds the
// square of any float32, so that an attacker's 1e38 is a large distance and not infinity.

/** Elements [offset, offset + elements) of the flat vector: one parameter tensor. */
export interface Range {
  readonly offset: number;
  readonly elements: number;
}

const blockElements = 2048; // of float64 sums: stays in the fastest cache

/** The sum of weights[i] * vectors[i], each element rounded to float32 once. Vectors of weight 0 are not read. */
export function combine(vectors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const elements = vectors[0]!.length;
  const result = new Float32Array(elements);
  const sums = new Float64Array(blockElements);
  for (let start = 0; start < elements; start += blockElements) {
    const length = Math.min(blockElements, elements - start);
    sums.fill(0);
    for (const [k, vector] of vectors.entries()) {
      const weight = weights[k]!;
      if (weight !== 0) for (let i = 0; i < length; i++) sums[i] = sums[i]! + weight * vector[start + i]!;
    }
    for (let i = 0; i < length; i++) result[start + i] = sums[i]!;
  }
  return result;
}

/** The mean with equal weights. */
export function average(vectors: readonly Float32Array[]): Float32Array {
  return combine(
    vectors,
    vectors.map(() => 1 / vectors.length),
  );
}

/** A loop, because `every` with a callback takes seconds for a hundred million numbers. */
export function allFinite(vector: Float32Array): boolean {
  for (let i = 0; i < vector.length; i++) if (!Number.isFinite(vector[i]!)) return false;
  return true;
}

/** Euclidean norm of a part of a vector, by default the whole. */
export function norm(vector: Float32Array, { offset, elements }: Range = whole(vector)): number {
  let sum = 0;
  for (let i = offset; i < offset + elements; i++) sum += vector[i]! * vector[i]!;
  return Math.sqrt(sum);
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = a[i]! - b[i]!;
    sum += apart * apart;
  }
  return sum;
}

export function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(squaredDistance(a, b));
}

/** The middle value, of two the lower: while liars are fewer than half, some honest value is at least as large. */
export function lowerMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
}

/** The factor that brings a length down to a limit: never above 1. */
export function shrinkTo(limit: number, length: number): number {
  return length > limit ? limit / length : 1;
}

function whole(vector: Float32Array): Range {
  return { offset: 0, elements: vector.length };
}
