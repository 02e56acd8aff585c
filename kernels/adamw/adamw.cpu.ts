// AdamW's fast path on the CPU backend: one call for each run of blocks that decay alike.

import type { CpuPath, View } from '../plan/op.ts';
import { parameterAlignment as block } from '../plan/builder.ts';
import { clipFactor } from '../reduce/clip.ts';
import type { Hyper } from './adamw.reference.ts';

export const adamwCpu: CpuPath = {
  run(inputs, outputs, _, { rows }) {
    const [gradients, squares, decays, hyper] = inputs as [View, View, View, View];
    const [learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, maxNorm] =
      hyper as unknown as Hyper;
    const factor = clipFactor(squares[0]!, maxNorm);
    // sqrt(v / c) + e = (sqrt(v) + e sqrt(c)) / sqrt(c)
    const root = Math.sqrt(correction2);
    const rate = (learningRate / correction1) * root;
    for (let first = 0; first < decays.length;) {
      const decay = decays[first]!;
      let end = first + 1;
      while (end < decays.length && decays[end] === decay) end++;
      const pointers = [outputs[0]!, gradients, outputs[1]!, outputs[2]!].map((v) => v.byteOffset + 4 * block * first);
      const kept = 1 - learningRate * weightDecay * decay;
      rows.adamw(...pointers, block * (end - first), factor, beta1, beta2, rate, epsilon * root, kept);
      first = end;
    }
  },
};
