// RMSNorm of each head of queries and keys before they meet, as Qwen3 has it (arXiv:2505.09388; Henry et al. 2020, arXiv:2010.04245).

import { headNorm as wgsl } from '../generated/head-norm.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Op, Tensor } from '../plan/op.ts';
import type { HeadNormAttributes } from './head-norm.reference.ts';
import { headNormGradientReference, headNormReference } from './head-norm.reference.ts';

/** Rows whose share of the gains' gradients one invocation sums: a second pass adds the chunks up, in an order that never changes. */
const chunk = 8;

/**
 * @param qkv [R, (H + 2 K) D]
 * @param gains of queries [D] and of keys [D]
 * @returns qkv with its heads of q and k normalized, [R, (H + 2 K) D]
 */
export function normHeads(
  builder: PlanBuilder,
  qkv: Tensor,
  gains: readonly [Tensor, Tensor],
  attributes: HeadNormAttributes,
  name = 'head norm',
): Tensor {
  return builder.op(headNormKernel, [qkv, ...gains], attributes, [name, `${name}.statistics`])[0];
}

/** [qkv [R, (H + 2 K) D], gain of queries [D], gain of keys [D]] -> [out [R, (H + 2 K) D], 1 / root mean square [R, H + K]]. */
export const headNormKernel: Kernel = {
  name: 'headNorm',
  infer([qkv, queryGain, keyGain], attributes) {
    const [rows, width] = expectMatrix('headNorm', qkv);
    const { heads, kvHeads } = attributes as HeadNormAttributes;
    const headSize = width / (heads + 2 * kvHeads);
    expect('headNorm', Number.isInteger(headSize), `${width} columns are not ${heads} + 2 * ${kvHeads} heads`);
    for (const gain of [queryGain, keyGain]) expectTensor('headNorm', gain, [headSize]);
    return [
      { shape: [rows, width], dtype: 'f32' },
      { shape: [rows, heads + kvHeads], dtype: 'f32' },
    ];
  },
  dispatches(op, traits) {
    const [qkv, query_gain, key_gain] = op.inputs as [Tensor, Tensor, Tensor];
    const [out, statistics] = op.outputs as [Tensor, Tensor];
    const { all, ...constants } = sizesOf(op);
    const { epsilon } = op.attributes as HeadNormAttributes;
    return [
      dispatch(wgsl, {
        entryPoint: 'forward',
        tensors: { qkv, query_gain, key_gain, out, statistics },
        constants: { ...constants, epsilon },
        workgroups: linearWorkgroups(constants.rows * all, 64, traits),
      }),
    ];
  },
  reference: headNormReference,
  adjoint({ inputs, outputs, attributes }, builder) {
    const [out, statistics] = outputs as [Tensor, Tensor];
    const targets = inputs.map((input) => builder.contribute(input) ?? builder.temporary('unused', input.shape));
    builder.op(headNormGradientKernel, [...inputs, statistics, builder.gradientOf(out)!], targets, attributes);
  },
};

/** [qkv, gains, statistics as above, gradient of out] -> [gradient of qkv [R, (H + 2 K) D], of the gains [D], [D]]. */
export const headNormGradientKernel: Kernel = {
  name: 'headNormGradient',
  infer: ([qkv, queryGain, keyGain]) =>
    [qkv!, queryGain!, keyGain!].map(({ shape }) => ({ shape, dtype: 'f32' as const })),
  dispatches(op, traits, scratch) {
    const [qkv, query_gain, key_gain, saved, gradient] = op.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [qkv_gradient, query_gradient, key_gradient] = op.outputs as [Tensor, Tensor, Tensor];
    const { all, ...constants } = sizesOf(op);
    const sums = Math.ceil(constants.rows / chunk) * 2 * constants.head_size;
    const partials = scratch('partials', sums);
    return [
      dispatch(wgsl, {
        entryPoint: 'backward',
        tensors: { qkv, query_gain, key_gain, saved, gradient, qkv_gradient, partials },
        constants: { ...constants, chunk },
        workgroups: linearWorkgroups(64 * Math.ceil(sums / 64) + constants.rows * all, 64, traits),
      }),
      dispatch(wgsl, {
        entryPoint: 'fold',
        tensors: { parts: partials, query_gradient, key_gradient },
        constants: { rows: constants.rows, head_size: constants.head_size, chunk },
        workgroups: [Math.ceil((2 * constants.head_size) / 64), 1, 1],
      }),
    ];
  },
  reference: headNormGradientReference,
};

function sizesOf({ inputs, attributes }: Op) {
  const { heads, kvHeads } = attributes as HeadNormAttributes;
  const [qkv, gain] = inputs as [Tensor, Tensor];
  return { all: heads + 2 * kvHeads, rows: qkv.shape[0]!, heads, kv_heads: kvHeads, head_size: gain.shape[0]! };
}
