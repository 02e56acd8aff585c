// References of the norm of heads and of its gradient, which are also the CPU backend. A row of qkv [R, (H + 2 K) D] holds H heads of
// q, K of k and K of v, D elements each.

import type { Op, View } from '../plan/op.ts';

export type HeadNormAttributes = {
  readonly heads: number; // H
  readonly kvHeads: number; // K
  readonly epsilon: number; // added to the mean square
};

export function headNormReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const [qkv] = inputs as [View];
  const [out, statistics] = outputs as [View, View];
  const { epsilon } = op.attributes as HeadNormAttributes;
  out.set(qkv);
  forEachHead(inputs, op, ({ at, number, gain }) => {
    let squares = 0;
    for (let d = 0; d < gain.length; d++) squares += qkv[at + d]! ** 2;
    const scale = 1 / Math.sqrt(squares / gain.length + epsilon);
    for (let d = 0; d < gain.length; d++) out[at + d] = qkv[at + d]! * scale * gain[d]!;
    statistics[number] = scale;
  });
}

export function headNormGradientReference(inputs: readonly View[], outputs: readonly View[], op: Op): void {
  const [qkv, , , statistics, gradient] = inputs as [View, View, View, View, View];
  const [into, ...gains] = outputs as [View, View, View];
  into.set(gradient);
  for (const sums of gains) sums.fill(0);
  forEachHead(inputs, op, ({ at, number, gain, part }) => {
    const scale = statistics[number]!;
    const sums = gains[part]!;
    let projected = 0;
    for (let d = 0; d < gain.length; d++) {
      projected += gradient[at + d]! * gain[d]! * qkv[at + d]!;
      sums[d] = sums[d]! + gradient[at + d]! * qkv[at + d]! * scale;
    }
    const slope = (projected / gain.length) * scale * scale;
    for (let d = 0; d < gain.length; d++) into[at + d] = scale * (gradient[at + d]! * gain[d]! - qkv[at + d]! * slope);
  });
}

interface Head {
  readonly at: number; // first element in qkv
  readonly number: number; // in the statistics [R, H + K]
  readonly part: 0 | 1; // of q, or of k
  readonly gain: View;
}

/** Every head of q and k. */
function forEachHead([qkv, ...gains]: readonly View[], { attributes }: Op, visit: (head: Head) => void): void {
  const { heads, kvHeads } = attributes as HeadNormAttributes;
  const headSize = gains[0]!.length;
  const width = (heads + 2 * kvHeads) * headSize;
  for (let row = 0; row < qkv!.length / width; row++) {
    for (let head = 0; head < heads + kvHeads; head++) {
      const part = head < heads ? 0 : 1;
      const at = row * width + head * headSize;
      visit({ at, number: row * (heads + kvHeads) + head, part, gain: gains[part]! });
    }
  }
}
