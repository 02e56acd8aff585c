// References of the cache kernels. For each text a cache holds the keys of S positions [K, D, S] and their values [S, K, D]; a row of qkv holds
// the H heads of q, the K heads of k and the K heads of v, D elements each.

import type { Op, View } from '../plan/op.ts';
import { cursorSize } from './cursor.ts';

export type CacheAttributes = {
  readonly heads: number; // H
  readonly kvHeads: number; // K
  readonly capacity: number; // S
  readonly scale: number; // of the scores
  readonly atCursor: boolean; // each row is of a text of its own, at its cursor; else all are of one text, from position 0 on
  readonly slotted: boolean; // the second input is the number of that text, else it is 0
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
    const [text, position] = shape.atCursor
      ? [row, cursor![row * cursorSize + 1]!]
      : [shape.slotted ? cursor![0]! : 0, row];
    if (position >= capacity) continue;
    for (let head = 0; head < kvHeads; head++) {
      const key = (row * (heads + 2 * kvHeads) + heads + head) * headSize;
      for (let d = 0; d < headSize; d++) {
        const turned = turnedElement(qkv!, key, d, shape.turns ? angles! : null, position, headSize);
        keys![((text * kvHeads + head) * headSize + d) * capacity + position] = turned;
        values![((text * capacity + position) * kvHeads + head) * headSize + d] = qkv![key + kvHeads * headSize + d]!;
      }
    }
  }
}

export function cacheAttentionReference(inputs: readonly View[], [out]: readonly View[], op: Op): void {
  const [qkv, cursor, keys, values, angles] = inputs as [View, View, View, View, View?];
  const shape = cacheShape(op);
  const { rows, heads, kvHeads, headSize, capacity } = shape;
  const valueAt = (text: number, t: number, head: number) => ((text * capacity + t) * kvHeads + head) * headSize;
  for (let place = 0; place < rows * heads; place++) {
    const [text, head] = [Math.floor(place / heads), place % heads];
    const position = Math.min(cursor[text * cursorSize + 1]!, capacity - 1);
    const shared = text * kvHeads + Math.floor((head * kvHeads) / heads);
    const first = (text * (heads + 2 * kvHeads) + head) * headSize;
    const query = Array.from({ length: headSize }, (_, d) =>
      turnedElement(qkv, first, d, shape.turns ? angles! : null, position, headSize),
    );
    const scores = Array.from({ length: position + 1 }, (_, t) =>
      query.reduce((sum, q, d) => sum + q * keys[(shared * headSize + d) * capacity + t]! * shape.scale, 0),
    );
    const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let d = 0; d < headSize; d++) {
      const sum = weights.reduce((s, weight, t) => s + weight * values[valueAt(text, t, shared % kvHeads) + d]!, 0);
      out![place * headSize + d] = sum / total;
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
