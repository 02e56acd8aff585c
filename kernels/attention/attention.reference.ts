// References of the attention kernels: what the WGSL and the fast CPU path are held against. A row of qkv [B * T, 3 C]
// holds q, k and v one after the other, each with its H heads of D = C / H elements in order.

import type { Op, View } from '../plan/op.ts';

/** The sizes of one attention op. */
export interface AttentionShape {
  readonly batch: number; // B
  readonly time: number; // T
  readonly heads: number; // H
  readonly headSize: number; // D
  readonly width: number; // C = H * D
  readonly scale: number; // of the scores
}

export type AttentionAttributes = { readonly time: number; readonly heads: number; readonly scale: number };

export function attentionShape({ inputs: [qkv], attributes }: Op): AttentionShape {
  const { time, heads, scale } = attributes as AttentionAttributes;
  const [rows, width] = qkv!.shape as [number, number];
  return { batch: rows / time, time, heads, headSize: width / 3 / heads, width: width / 3, scale };
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
    const head = Math.floor(index / time);
    const sequence = Math.floor(head / heads) * time;
    const column = (head % heads) * headSize;
    const part = (t: number, number: number): number => ((sequence + t) * 3 + number) * width + column;
    const output = (sequence + t) * width + column;
    visit({ t, index, at: part(t, 0), output, key: (t) => part(t, 1), value: (t) => part(t, 2) });
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
