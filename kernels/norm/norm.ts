// LayerNorm and RMSNorm over the rows of a matrix, forward and backward. One kernel: RMSNorm is a LayerNorm whose mean stays
// at zero. x' = (x - mean) * rstd, out = x' * gain + bias.
// LayerNorm: Ba, Kiros, Hinton 2016, arXiv:1607.06450. RMSNorm: Zhang, Sennrich 2019, arXiv:1910.07467.

import { norm as rowWgsl } from '../generated/norm.ts';
import { normGradient as scaleWgsl } from '../generated/norm-gradient.ts';
import { normTiled as tiledWgsl } from '../generated/norm-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Kernel, Tensor } from '../plan/op.ts';
import { normInputGradientReference, normReference, normScaleGradientReference } from './norm.reference.ts';

export type NormAttributes = {
  readonly centred: boolean; // true: LayerNorm, false: RMSNorm
  readonly epsilon: number; // added to the variance
};

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

/** [x [R, C], gain [C], mean [R], rstd [R], gradient [R, C]] -> [gradient of x [R, C]]. */
export const normInputGradientKernel: Kernel = {
  name: 'normInputGradient',
  infer([x, , , , gradient]) {
    const [rows, width] = expectMatrix('normInputGradient', x);
    expectTensor('normInputGradient', gradient, [rows, width]);
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, gain, saved_mean, saved_rstd, gradient] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [rows, width] = x.shape as [number, number];
    return [
      dispatch(wgslFor(traits), {
        entryPoint: 'backward',
        tensors: { x, gain, saved_mean, saved_rstd, gradient, input_gradient: outputs[0]! },
        constants: { rows, width, centred: (attributes as NormAttributes).centred },
        workgroups: rowWorkgroups(rows, traits),
      }),
    ];
  },
  reference: normInputGradientReference,
};

/** [x [R, C], mean [R], rstd [R], gradient [R, C]] -> [gradient of gain [C], gradient of bias [C] if `biased`]. */
export const normScaleGradientKernel: Kernel = {
  name: 'normScaleGradient',
  infer([x, , , gradient], { biased }) {
    const [rows, width] = expectMatrix('normScaleGradient', x);
    expectTensor('normScaleGradient', gradient, [rows, width]);
    const one = { shape: [width], dtype: 'f32' } as const;
    return biased ? [one, one] : [one];
  },
  dispatches({ inputs, outputs }, traits, scratch) {
    const [x, mean, rstd, gradient] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const [gain_gradient, bias_gradient] = outputs as [Tensor, Tensor?];
    const [rows, width] = x.shape as [number, number];
    const chunk = Math.ceil(Math.sqrt(rows));
    const chunks = Math.ceil(rows / chunk);
    const partials = scratch('partials', 2 * chunks * width);
    const constants = { width, chunks };
    const workgroups = linearWorkgroups(width, 64, traits);
    return [
      dispatch(scaleWgsl, {
        entryPoint: 'sum_rows',
        tensors: { x, mean, rstd, gradient, partials },
        constants: { rows, chunk, ...constants },
        workgroups: linearWorkgroups(chunks * width, 64, traits),
      }),
      bias_gradient
        ? dispatch(scaleWgsl, {
            entryPoint: 'total_with_bias',
            tensors: { chunk_sums: partials, gain_gradient, bias_gradient },
            constants,
            workgroups,
          })
        : dispatch(scaleWgsl, {
            entryPoint: 'total',
            tensors: { chunk_sums: partials, gain_gradient },
            constants,
            workgroups,
          }),
    ];
  },
  reference: normScaleGradientReference,
};

/** One workgroup a row on a GPU, one invocation a row on a software adapter, where barriers are slow. */
function wgslFor(traits: DeviceTraits): typeof rowWgsl | typeof tiledWgsl {
  return traits.isCpu ? rowWgsl : tiledWgsl;
}

function rowWorkgroups(rows: number, traits: DeviceTraits): [number, number, number] {
  return linearWorkgroups(rows, traits.isCpu ? 64 : 1, traits);
}
