// Products in f16: operands rounded where they are not stored so, sums and epilogue in f32 (half.reference.ts says how). On subgroup matrices where the adapter has them.

import { matmulHalf as plainWgsl } from '../generated/matmul-half.ts';
import { matmulMatrices as matricesWgsl } from '../generated/matmul-matrices.ts';
import { dispatch } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { epilogueOf } from './epilogue.ts';
import { constantsOf } from './constants.ts';
import { scalesOf } from './half.reference.ts';
import type { Product } from './product.ts';
import { productOf } from './product.ts';
import type { ForcedTiling } from './tiling.ts';
import { halfTileOf } from './tiling.ts';

/** @param op a product; its attribute `gradient` names the operand, a or b, that is one */
export function listHalf(op: Op, traits: DeviceTraits, scratch: Parameters<Kernel['dispatches']>[2]): Dispatch[] {
  const product = productOf(op);
  const { bias, extra, secondIs } = epilogueOf(op, op.inputs);
  const [a, b] = op.inputs as [Tensor, Tensor];
  const [c, second = scratch('second', 1)] = op.outputs as [Tensor, Tensor?];
  const constants = { ...constantsOf(op, product), gates: secondIs === 'swiglu' };
  const scales = scalesOf(op);
  const unused = scratch('unused', 1); // not B, which may be f16
  const { wgsl, tile } = kernelOf(product, traits, op.attributes);
  return [
    dispatch(wgsl, {
      entryPoint: 'matmul',
      tensors: { a, b, bias: bias ?? unused, extra: extra ?? unused, c, second },
      constants: { ...constants, a_factor: scales.a, b_factor: scales.b },
      workgroups: [Math.ceil(product.n / tile), Math.ceil(product.m / tile), 1],
    }),
  ];
}

function kernelOf(product: Product, traits: DeviceTraits, forced: ForcedTiling) {
  if (traits.halfProducts === 'plain') return { wgsl: plainWgsl, tile: 64 };
  const tile = halfTileOf(product, traits, forced);
  return { wgsl: matricesWgsl[tile], tile };
}
