// LayerNorm and RMSNorm over the rows of a matrix, forward and backward. One kernel: RMSNorm is a LayerNorm whose mean stays
// at zero. x' = (x - mean) * rstd, out = x' * gain + bias.
// LayerNorm: Ba, Kiros, Hinton 2016, arXiv:1607.06450. RMSNorm: Zhang, Sennrich 2019, arXiv:1910.07467.

import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { normInputGradientKernel, normScaleGradientKernel } from './norm-gradient.ts';
import { normReference } from './norm.reference.ts';
import type { NormAttributes } from './rows.ts';
import { rowWorkgroups, wgslFor } from './rows.ts';

/**
 * LayerNorm of each row.
 * @param x [R, C]  @param gain [C]  @param bias [C], or null for none
 * @returns [R, C]
 */
export function layerNorm(
  builder: PlanBuilder,
  x: Tensor,
  gain: Tensor,
  bias: Tensor | null,
  options: { epsilon?: number; name?: string } = {},
): Tensor {
  return listNorm(
    builder,
    bias ? [x, gain, bias] : [x, gain],
    { centred: true, epsilon: options.epsilon ?? 1e-5 },
    options,
  );
}

/**
 * RMSNorm of each row.
 * @param x [R, C]  @param gain [C]
 * @returns [R, C]
 */
export function rmsNorm(
  builder: PlanBuilder,
  x: Tensor,
  gain: Tensor,
  options: { epsilon?: number; name?: string } = {},
): Tensor {
  return listNorm(builder, [x, gain], { centred: false, epsilon: options.epsilon ?? 1e-6 }, options);
}

function listNorm(
  builder: PlanBuilder,
  inputs: Tensor[],
  attributes: NormAttributes,
  options: { name?: string },
): Tensor {
  const name = options.name ?? 'norm';
  return builder.op(normKernel, inputs, attributes, [name, `${name}.mean`, `${name}.rstd`])[0];
}

/** [x [R, C], gain [C], bias? [C]] -> [out [R, C], mean [R], rstd [R]]. */
export const normKernel: Kernel = {
  name: 'norm',
  infer([x, gain, bias]) {
    const [rows, width] = expectMatrix('norm', x);
    expectTensor('norm', gain, [width]);
    if (bias) expectTensor('norm', bias, [width]);
    return [
      { shape: [rows, width], dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
    ];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, gain, bias] = inputs as [Tensor, Tensor, Tensor?];
    const [out, mean, rstd] = outputs as [Tensor, Tensor, Tensor];
    const { centred, epsilon } = attributes as NormAttributes;
    const [rows, width] = x.shape as [number, number];
    return [
      dispatch(wgslFor(traits), {
        entryPoint: 'forward',
        tensors: { x, gain, bias: bias ?? gain, out, mean, rstd },
        constants: { rows, width, centred, biased: bias !== undefined, epsilon },
        workgroups: rowWorkgroups(rows, traits),
      }),
    ];
  },
  reference: normReference,
  adjoint({ inputs, outputs, attributes }, builder) {
    const [x, gain, bias] = inputs as [Tensor, Tensor, Tensor?];
    const [out, mean, rstd] = outputs as [Tensor, Tensor, Tensor];
    const gradient = builder.gradientOf(out)!;
    const intoX = builder.contribute(x);
    if (intoX) builder.op(normInputGradientKernel, [x, gain, mean, rstd, gradient], [intoX], attributes);
    const scales = bias ? [gain, bias] : [gain];
    const targets = scales.map((scale) => builder.contribute(scale));
    if (targets.every((target) => target === null)) return;
    const intoScales = targets.map((target, i) => target ?? builder.temporary('unused', scales[i]!.shape));
    builder.op(normScaleGradientKernel, [x, mean, rstd, gradient], intoScales, { biased: bias !== undefined });
  },
};
