// The norm's fast paths on the CPU backend, for rows that are whole vectors of four; others take the reference.

import type { CpuPath, View } from '../plan/op.ts';
import { normGradientReference, normReference } from './norm.reference.ts';
import type { NormAttributes, NormGradientAttributes } from './rows.ts';
import { splitGradients } from './rows.ts';

export const normCpu: CpuPath = {
  run(inputs, outputs, op, { rows }) {
    const [x, gain, bias] = inputs as [View, View, View?];
    const [out, statistics] = outputs as [View, View];
    const { centred, epsilon } = op.attributes as NormAttributes;
    const width = gain.length;
    if (width % 4 !== 0) return normReference(inputs, outputs, op);
    for (let at = 0, row = 0; at < out.length; at += width, row++) {
      const from = x.byteOffset + 4 * at;
      const mean = centred ? rows.row_sum(from, width) / width : 0;
      const rstd = 1 / Math.sqrt(rows.row_squares(from, width, mean) / width + epsilon);
      rows.norm_row(from, gain.byteOffset, bias?.byteOffset ?? 0, out.byteOffset + 4 * at, width, mean, rstd);
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = rstd;
    }
  },
};

export const normGradientCpu: CpuPath = {
  run(inputs, outputs, op, wasm) {
    const [x, gain, statistics, gradient, addend] = inputs as [View, View, View, View, View?];
    const { rows } = wasm;
    const { input, gain: gains, bias } = splitGradients(op, outputs);
    const { centred } = op.attributes as NormGradientAttributes;
    const width = gain.length;
    if (width % 4 !== 0) return normGradientReference(inputs, outputs, op);
    gains?.fill(0);
    if (bias) wasm.columnSum(gradient.byteOffset, x.length / width, width, bias.byteOffset);
    for (let at = 0, row = 0; at < x.length; at += width, row++) {
      const [mean, rstd] = [statistics[2 * row]!, statistics[2 * row + 1]!];
      const [from, dy] = [x.byteOffset + 4 * at, gradient.byteOffset + 4 * at];
      if (gains) rows.norm_gain_row(from, dy, gains.byteOffset, width, mean, rstd);
      if (!input) continue;
      const shift = centred ? rows.row_dot(dy, gain.byteOffset, width) / width : 0;
      const slope = (rows.norm_projection(from, gain.byteOffset, dy, width, mean) / width) * rstd * rstd;
      const added = addend ? addend.byteOffset + 4 * at : 0;
      const to = input.byteOffset + 4 * at;
      rows.norm_gradient_row(from, gain.byteOffset, dy, added, to, width, mean, rstd, shift, slope);
    }
  },
};
