// References of the attention kernels: what the WGSL and the fast CPU path are held against. A row of qkv
// [B * T, (H + 2 K) D] holds the H heads of q, the K heads of k and the K heads of v one after the other, D elements each.

import type { Op, View } from '../plan/op.ts';

/** The sizes of one attention op. */
export interface AttentionShape {
  readonly batch: number; // B
  readonly time: number; // T
  readonly heads: number; // H, of queries
  readonly kvHeads: number; // K, of keys and values; H / K heads of queries share one
  readonly headSize: number; // D
  readonly width: number; // of a row of qkv, (H + 2 K) D
  readonly scale: number; // of the scores
}

export type AttentionAttributes = {
  readonly time: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly scale: number;
};

export function attentionShape({ inputs: [qkv], attributes }: Op): AttentionShape {
  const { time, heads, kvHeads, scale } = attributes as AttentionAttributes;
  const [rows, width] = qkv!.shape as [number, number];
  return { batch: rows / time, time, heads, kvHeads, headSize: width / (heads + 2 * kvHeads), width, scale };
}

/** The first of the elements, in a row of qkv, of the keys or values that a head of queries uses. */
export function sharedColumn(
  { heads, kvHeads, headSize }: AttentionShape,
  head: number,
  part: 'key' | 'value',
): number {
  const shared = Math.floor((head * kvHeads) / heads);
  return (heads + (part === 'key' ? 0 : kvHeads) + shared) * headSize;
}

export function attentionReference([qkv]: readonly View[], [out, logsumexp]: readonly View[], op: Op): void {
  const shape = attentionShape(op);
  const weights = new Float64Array(shape.time);
  forEachQuery(shape, (query) => {
    logsumexp![query.index] = softmaxOfScores(qkv!, query, weights, shape);
    for (let d = 0; d < shape.headSize; d++) {
      let sum = 0;
      for (let past = 0; past <= query.t; past++) sum += weights[past]! * qkv![query.value(past) + d]!;
      out![query.output + d] = sum;
    }
  });
}

export function attentionGradientReference(inputs: readonly View[], [out]: readonly View[], op: Op): void {
  const [qkv, , , gradient] = inputs as [View, View, View, View];
  const shape = attentionShape(op);
  const weights = new Float64Array(shape.time);
  const slopes = new Float64Array(shape.time); // the gradient of the weights
  out!.fill(0);
  forEachQuery(shape, (query) => {
    softmaxOfScores(qkv, query, weights, shape);
    let mean = 0;
    for (let past = 0; past <= query.t; past++) {
      slopes[past] = dot(gradient, query.output, qkv, query.value(past), shape.headSize);
      mean += weights[past]! * slopes[past]!;
    }
    for (let past = 0; past <= query.t; past++) {
      const slope = weights[past]! * (slopes[past]! - mean) * shape.scale;
      addScaled(out!, query.at, qkv, query.key(past), slope, shape.headSize);
      addScaled(out!, query.key(past), qkv, query.at, slope, shape.headSize);
      addScaled(out!, query.value(past), gradient, query.output, weights[past]!, shape.headSize);
    }
  });
}

/** One query of one head, and where its elements lie. */
interface Query {
  readonly t: number;
  readonly index: number; // in [B, H, T]
  readonly at: number; // first element in qkv
  readonly output: number; // first element in out
  key(t: number): number;
  value(t: number): number;
}

function forEachQuery(shape: AttentionShape, visit: (query: Query) => void): void {
  const { batch, time, heads, headSize, width } = shape;
  for (let index = 0; index < batch * heads * time; index++) {
    const t = index % time;
    const head = Math.floor(index / time) % heads;
    const sequence = Math.floor(index / time / heads) * time;
    const at = (sequence + t) * width + head * headSize;
    const output = ((sequence + t) * heads + head) * headSize;
    const [keys, values] = [sharedColumn(shape, head, 'key'), sharedColumn(shape, head, 'value')];
    const key = (past: number): number => (sequence + past) * width + keys;
    visit({ t, index, at, output, key, value: (past) => (sequence + past) * width + values });
  }
}

/** Fills weights[0..t] with the softmax of the query's scores over its past and itself; returns their logsumexp. */
function softmaxOfScores(qkv: View, query: Query, weights: Float64Array, shape: AttentionShape): number {
  let highest = -Infinity;
  for (let past = 0; past <= query.t; past++) {
    weights[past] = dot(qkv, query.at, qkv, query.key(past), shape.headSize) * shape.scale;
    highest = Math.max(highest, weights[past]!);
  }
  let sum = 0;
  for (let past = 0; past <= query.t; past++) sum += weights[past] = Math.exp(weights[past]! - highest);
  for (let past = 0; past <= query.t; past++) weights[past] = weights[past]! / sum;
  return highest + Math.log(sum);
}

function dot(a: View, at: number, b: View, bAt: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[at + d]! * b[bAt + d]!;
  return sum;
}

function addScaled(out: View, to: number, from: View, at: number, factor: number, length: number): void {
  for (let d = 0; d < length; d++) out[to + d] = out[to + d]! + factor * from[at + d]!;
}
