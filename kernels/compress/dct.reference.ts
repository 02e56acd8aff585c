// The kernels of dct.ts in plain TypeScript, with the encoder's own transform and choice.

import type { Op, View } from '../plan/op.ts';
import { chunked, toCoefficients } from './chunks.ts';
import { correctedReference, sentReference } from './compress.reference.ts';

/** The attributes of `dctKernel`: a tensor [elements / n, n] from `first` on, in chunks of [a, b]. */
export type DctAttributes = { first: number; elements: number; n: number; a: number; b: number };

/** The attributes of `chunksKernel`: `elements` from `first` on, in blocks; their records from word `record` on. */
export type ChunksAttributes = {
  first: number;
  elements: number;
  block: number;
  words: number; // of all records
  record: number;
  stride: number;
  sent: number;
  bits: 1 | 2;
};

/** [gradients, squares] -> [change] */
export function descentReference([gradients, squares]: readonly View[], [change]: readonly View[], op: Op): void {
  const maxNorm = op.attributes['maxNorm'] as number;
  const factor = maxNorm / (Math.sqrt(squares![0]!) + 1e-6); // as prelude/clip.wgsl
  const scale = maxNorm === 0 || factor > 1 ? 1 : factor;
  for (let i = 0; i < change!.length; i++) change![i] = -gradients![i]! * scale;
}

/** [change] changes the tensor's part of [coefficients] */
export function dctReference(
  [change]: readonly View[],
  [coefficients]: readonly View[],
  { first, elements, n, a, b }: DctAttributes,
): void {
  const part = (vector: View): Float32Array => (vector as Float32Array).subarray(first, first + elements);
  const tensor = { ...chunked({ offset: first, elements, shape: [elements / n, n] }), a, b };
  toCoefficients(tensor, part(change!), part(coefficients!));
}

/** [change, settings, rest] changes [residual, wanted] */
export function correctedChangeReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [change, settings, rest] = inputs as [View, View, View];
  correctedReference([change, new Float32Array(change.length), settings, rest], outputs);
}

/** [coefficients] changes the tensor's part of [records, unsaid] */
export function chunksReference([x]: readonly View[], outputs: readonly View[], attributes: ChunksAttributes): void {
  const [records, unsaid] = outputs as [Uint32Array, Float32Array];
  const { first, elements, block, record, stride, sent, bits } = attributes;
  for (let chunk = 0; chunk < elements / block; chunk++) {
    const [from, at] = [first + chunk * block, record + chunk * stride];
    const values = Float32Array.from(x!.subarray(from, from + block));
    sentReference(values, records.subarray(at, at + stride), unsaid.subarray(from, from + block), sent, bits);
  }
}
