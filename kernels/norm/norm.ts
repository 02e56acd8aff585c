// LayerNorm and RMSNorm over the rows of a matrix, forward and backward. One kernel: RMSNorm is a LayerNorm whose mean stays
// at zero. x' = (x - mean) * rstd, out = x' * gain + bias.
// LayerNorm: Ba, Kiros, Hinton 2016, arXiv:1607.06450. RMSNorm: Zhang, Sennrich 2019, arXiv:1910.07467.

import type { PlanBuilder } from '../plan/builder.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { normGradientKernel } from './norm-gradient.ts';
import { normProductOf } from './norm-product.ts';
import { normCpu } from './norm.cpu.ts';
import { normReference } from './norm.reference.ts';
import type { NormAttributes, NormGradientAttributes } from './rows.ts';
import { listNormRows } from './rows.ts';

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
  return builder.op(normKernel, inputs, attributes, [name, `${name}.statistics`])[0];
}

/** [x [R, C], gain [C], bias? [C]] -> [out [R, C], statistics [R, 2]: mean and rstd of each row]. */
export const normKernel: Kernel = {
  name: 'norm',
  infer([x, gain, bias]) {
    const [rows, width] = expectMatrix('norm', x);
    expectTensor('norm', gain, [width]);
    if (bias) expectTensor('norm', bias, [width]);
    return [
      { shape: [rows, width], dtype: 'f32' },
      { shape: [rows, 2], dtype: 'f32' },
    ];
  },
  dispatches: (op, traits) => [listNormRows(op, traits)],
  reference: normReference,
  cpu: normCpu,
  fuse: (op, next) => normProductOf(op, next),
  adjoint({ inputs, outputs, attributes }, builder) {
    const [x, gain, bias] = inputs as [Tensor, Tensor, Tensor?];
    const [out, statistics] = outputs as [Tensor, Tensor];
    const gradient = builder.gradientOf(out)!;
    const intoX = builder.contribute(x);
    const scales = bias ? [gain, bias] : [gain];
    const targets = scales.map((scale) => builder.contribute(scale));
    const areTrained = targets.some((target) => target !== null);
    if (!intoX && !areTrained) return;
    const intoScales = targets.map((target, i) => target ?? builder.temporary('unused', scales[i]!.shape));
    const wanted: NormGradientAttributes = {
      ...(attributes as NormAttributes),
      input: intoX !== null,
      scales: areTrained ? (bias ? 'gain and bias' : 'gain') : 'none',
    };
    const into = [...(intoX ? [intoX] : []), ...(areTrained ? intoScales : [])];
    builder.op(normGradientKernel, [x, gain, statistics, gradient], into, wanted);
  },
};
