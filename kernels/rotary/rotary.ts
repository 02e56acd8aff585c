// Rotary positions, applied to the q and k parts of a fused qkv; the adjoint turns backwards.
// RoFormer: Su et al. 2021, arXiv:2104.09864. Pairs are (i, i + D/2), as in Llama and GPT-NeoX.

import { rotary as wgsl } from '../generated/rotary.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { rotaryAngles } from './angles.ts';
import type { Rotary } from './angles.ts';
import { rotaryReference } from './rotary.reference.ts';
import type { RotaryAttributes } from './rotary.reference.ts';

/**
 * The table for `rotate`, one for all layers of a model.
 * @returns a constant [T, D/2, 2] of cosines and sines
 */
export function rotaryTable(
  builder: PlanBuilder,
  options: { time: number; headSize: number; rotary?: Rotary; name?: string },
): Tensor {
  const { time, headSize, rotary = { base: 10_000 }, name = 'rotary' } = options;
  return builder.constant(name, [time, headSize / 2, 2], rotaryAngles(time, headSize, rotary));
}

/**
 * Turns the first `heads` heads of each row (2 H for q and k of a fused qkv) by the angles of the row's position.
 * @param x [B * T, W]
 * @param angles [T, D/2, 2], from `rotaryTable`
 * @returns [B * T, W]
 */
export function rotate(builder: PlanBuilder, x: Tensor, angles: Tensor, heads: number, name = 'rotary'): Tensor {
  const attributes: RotaryAttributes = { headSize: 2 * angles.shape[1]!, heads, inverse: false };
  return builder.op(rotaryKernel, [x, angles], attributes, [name])[0];
}

/** [x [B * T, W], angles [T, D/2, 2]] -> [out [B * T, W]]. */
export const rotaryKernel: Kernel = {
  name: 'rotary',
  infer([x, angles], attributes) {
    const { headSize, heads } = attributes as RotaryAttributes;
    const [rows, width] = expectMatrix('rotary', x);
    const time = angles!.shape[0]!;
    expectTensor('rotary', angles, [time, headSize / 2, 2]);
    const isWhole = rows % time === 0 && width % headSize === 0;
    expect(
      'rotary',
      isWhole && heads * headSize <= width,
      `${heads} heads of ${headSize} do not fit [${rows}, ${width}]`,
    );
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, angles] = inputs as [Tensor, Tensor];
    const { headSize, heads, inverse } = attributes as RotaryAttributes;
    const [rows, width] = x.shape as [number, number];
    const pairs = (rows * width) / 2;
    return [
      dispatch(wgsl, {
        entryPoint: 'rotate',
        tensors: { x, angles, out: outputs[0]! },
        constants: { time: angles.shape[0]!, width, head_size: headSize, heads, pairs, sign: inverse ? -1 : 1 },
        workgroups: linearWorkgroups(pairs, 64, traits),
      }),
    ];
  },
  reference: rotaryReference,
  adjoint({ inputs, outputs, attributes }, builder) {
    const [x, angles] = inputs as [Tensor, Tensor];
    const target = builder.contribute(x);
    const inverse = !(attributes as RotaryAttributes).inverse;
    if (target)
      builder.op(rotaryKernel, [builder.gradientOf(outputs[0]!)!, angles], [target], { ...attributes, inverse });
  },
};
