// References of the cache kernels. A cache holds the keys of S positions [K, D, S] and their values [S, K, D]; a row of qkv holds
// the H heads of q, the K heads of k and the K heads of v, D elements each.

import type { Op, View } from '../plan/op.ts';

export type CacheAttributes = {
  readonly heads: number; // H
  readonly kvHeads: number; // K
  readonly capacity: number; // S
  readonly scale: number; // of the scores
  readonly atCursor: boolean; // the first row's position is the cursor's, else 0
  readonly turns: boolean; // queries and keys are turned by `angles`
};

export interface CacheShape extends CacheAttributes {
  readonly rows: number; // R
  readonly headSize: number; // D
}

export function cacheShape({ inputs, attributes }: Op): CacheShape {
  const given = attributes as CacheAttributes;
  const [rows, width] = inputs[0]!.shape as [number, number];
  return { ...given, rows, headSize: width / (given.heads + 2 * given.kvHeads) };
}

export function cacheAppendReference(
  [qkv, cursor, angles]: readonly View[],
  [keys, values]: readonly View[],
  op: Op,
): void {
  const shape = cacheShape(op);
  const { rows, heads, kvHeads, headSize, capacity } = shape;
  for (let row = 0; row < rows; row++) {
    const position = row + (shape.atCursor ? cursor![1]! : 0);
    if (position >= capacity) return;
    for (let head = 0; head < kvHeads; head++) {
      const key = (row * (heads + 2 * kvHeads) + heads + head) * headSize;
      for (let d = 0; d < headSize; d++) {
        const turned = turnedElement(qkv!, key, d, shape.turns ? angles! : null, position, headSize);
        keys![(head * headSize + d) * capacity + position] = turned;
        values![(position * kvHeads + head) * headSize + d] = qkv![key + kvHeads * headSize + d]!;
      }
    }
  }
}

export function cacheAttentionReference(inputs: readonly View[], [out]: readonly View[], op: Op): void {
  const [qkv, cursor, keys, values, angles] = inputs as [View, View, View, View, View?];
  const shape = cacheShape(op);
  const { heads, kvHeads, headSize, capacity } = shape;
  const position = Math.min(cursor[1]!, capacity - 1);
  for (let head = 0; head < heads; head++) {
    const shared = Math.floor((head * kvHeads) / heads);
    const query = Array.from({ length: headSize }, (_, d) =>
      turnedElement(qkv, head * headSize, d, shape.turns ? angles! : null, position, headSize),
    );
    const scores = Array.from({ length: position + 1 }, (_, t) =>
      query.reduce((sum, q, d) => sum + q * keys[(shared * headSize + d) * capacity + t]! * shape.scale, 0),
    );
    const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let d = 0; d < headSize; d++) {
      const sum = weights.reduce((s, weight, t) => s + weight * values[(t * kvHeads + shared) * headSize + d]!, 0);
      out![head * headSize + d] = sum / total;
    }
  }
}

/** Element d of the head that begins at `first`, turned by the angle of a position together with element d +- D/2. */
export function turnedElement(
  qkv: View,
  first: number,
  d: number,
  angles: View | null,
  position: number,
  headSize: number,
): number {
  const x = qkv[first + d]!;
  if (angles === null) return x;
  const half = headSize / 2;
  const angle = position * headSize + 2 * (d % half);
  const [cosine, sine] = [angles[angle]!, angles[angle + 1]!];
  return d < half ? x * cosine - qkv[first + d + half]! * sine : x * cosine + qkv[first + d - half]! * sine;
}
