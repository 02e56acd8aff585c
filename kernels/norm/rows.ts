// What the norm and its gradient have in common: attributes, and who takes a row.

import { norm as rowWgsl } from '../generated/norm.ts';
import { normTiled as tiledWgsl } from '../generated/norm-tiled.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Op, Tensor } from '../plan/op.ts';

export type NormAttributes = {
  readonly centred: boolean; // true: LayerNorm, false: RMSNorm
  readonly epsilon: number; // added to the variance
};

export type NormGradientAttributes = NormAttributes & {
  readonly input: boolean; // the gradient of x is wanted
  readonly scales: 'none' | 'gain' | 'gain and bias'; // gradients of these are wanted
};

/** The outputs of a norm's gradient, as tensors or as views of them. */
export function splitGradients<T>({ attributes }: Pick<Op, 'attributes'>, outputs: readonly T[]) {
  const { input, scales } = attributes as NormGradientAttributes;
  const [gain, bias] = outputs.slice(input ? 1 : 0);
  return { input: input ? outputs[0] : undefined, gain: scales === 'none' ? undefined : gain, bias };
}

/** One workgroup a row on a GPU, one invocation a row on a software adapter, where barriers are slow. */
export function wgslFor(traits: DeviceTraits): typeof rowWgsl | typeof tiledWgsl {
  return traits.isCpu ? rowWgsl : tiledWgsl;
}

/** Rows that one workgroup takes. */
export function rowsAWorkgroup(traits: DeviceTraits): number {
  return traits.isCpu ? 16 : 1;
}

/** The forward pass: [x [R, C], gain [C], bias? [C]] -> [out [R, C], statistics [R, 2]]. */
export function listNormRows({ inputs, outputs, attributes }: Omit<Op, 'kernel'>, traits: DeviceTraits): Dispatch {
  const [x, gain, bias] = inputs as [Tensor, Tensor, Tensor?];
  const [out, statistics] = outputs as [Tensor, Tensor];
  const { centred, epsilon } = attributes as NormAttributes;
  const [rows, width] = x.shape as [number, number];
  return dispatch(wgslFor(traits), {
    entryPoint: 'forward',
    tensors: { x, gain, bias: bias ?? gain, out, statistics },
    constants: { rows, width, centred, biased: bias !== undefined, epsilon },
    workgroups: linearWorkgroups(rows, rowsAWorkgroup(traits), traits),
  });
}
