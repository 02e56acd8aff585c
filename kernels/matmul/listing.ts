// The dispatches of a product on WebGPU.

import { matmulFold as foldWgsl } from '../generated/matmul-fold.ts';
import { matmul as wgsl } from '../generated/matmul.ts';
import { matmulRegister as registerWgsl } from '../generated/matmul-register.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { epilogueOf } from './epilogue.ts';
import type { Epilogue } from './epilogue.ts';
import { listGated } from './gated.ts';
import { isGemv, listGemv } from './gemv.ts';
import { coreOf, factorsOf } from './half.ts';
import { constantsOf, isPiece } from './constants.ts';
import type { Product } from './product.ts';
import { productOf } from './product.ts';
import type { Tiling } from './tiling.ts';
import { isVectorWide, tilingOf } from './tiling.ts';

/** Few rows: GEMV. Else 8 x 8 of C an invocation on a software adapter, where a barrier costs more than it saves; else a tile a workgroup. */
export function listProduct(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const product = productOf(op);
  const { m, n } = product;
  const { bias, extra, extraIs, secondIs } = epilogueOf(op, op.inputs);
  const constants = constantsOf(op, product);
  const isFew = isGemv(product, constants, traits);
  const isTiled = !isFew && !traits.isCpu;
  if (extraIs === 'gates' || (secondIs === 'swiglu' && !isTiled)) return listGated(op, listProduct, traits, scratch);
  const [a, b] = op.inputs as [Tensor, Tensor];
  const unused = bias && extra ? b : scratch('unused input', 1); // not B, which may be f16
  const others = { bias: bias ?? unused, extra: extra ?? unused };
  if (isFew) {
    return listGemv({ a, b, ...others, ...outputsOf(op, scratch) }, product, constants, traits);
  }
  if (traits.isCpu) {
    const rest = { ...others, ...outputsOf(op, scratch) };
    const call = { constants, workgroups: [Math.ceil(n / 32), Math.ceil(m / 32), 1] } as const;
    return [
      isVectorWide(product) && product.k % 4 === 0
        ? dispatch(registerWgsl, { entryPoint: 'by_four', tensors: { a_vectors: a, b_vectors: b, ...rest }, ...call })
        : dispatch(registerWgsl, { entryPoint: 'by_one', tensors: { a, b, ...rest }, ...call }),
    ];
  }
  const tiling = tilingOf(product, !bias && !extra && !isOfWhole(secondIs) && !isPiece(op), traits, op.attributes);
  const { c, second, fold } = targetsOf(op, tiling, traits, scratch);
  const rest = { ...others, c, second };
  const call = {
    constants: {
      ...constants,
      ...factorsOf(op),
      gates: secondIs === 'swiglu',
      part_depth: tiling.partDepth,
      part_pitch: partPitch(op, product),
    },
    workgroups: [Math.ceil(n / tiling.tile), Math.ceil(m / tiling.tile), tiling.parts],
  } as const;
  const module = wgsl[coreOf(traits)][tiling.tile];
  const made = tiling.byFour
    ? dispatch(module, { entryPoint: 'by_four', tensors: { a_vectors: a, b_vectors: b, ...rest }, ...call })
    : dispatch(module, { entryPoint: 'by_one', tensors: { a, b, ...rest }, ...call });
  return [made, ...fold];
}

/** Whether a second output needs the whole of a sum. */
function isOfWhole(second: Epilogue<Tensor>['secondIs']): boolean {
  return second === 'gelu' || second === 'swiglu';
}

export type Scratch = Parameters<Kernel['dispatches']>[2];

/** What a product writes to; a scratch where it has no second output. */
export function outputsOf({ outputs }: Pick<Op, 'outputs'>, scratch: Scratch) {
  return { c: outputs[0]!, second: outputs[1] ?? scratch('second', 1) };
}

/** Where a product is written to, and the second pass when it is summed in parts. */
export function targetsOf(
  op: Pick<Op, 'inputs' | 'outputs' | 'attributes'>,
  { parts }: Tiling,
  traits: DeviceTraits,
  scratch: Scratch,
) {
  const { c, second } = outputsOf(op, scratch);
  if (parts === 1) return { c, second, fold: [] };
  const { m, n } = productOf(op);
  const pitch = partPitch(op, { m, n });
  const partials = scratch('partials', parts * pitch);
  const call = {
    entryPoint: 'fold',
    tensors: { partials, c, second },
    constants: { parts, elements: m * n, columns: pitch - m * n },
    workgroups: linearWorkgroups(pitch, 256, traits),
  } as const;
  return { c: partials, second: scratch('unused', 1), fold: [dispatch(foldWgsl, call)] };
}

/** Elements that one part of a product leaves: its share of C and of the column sums. */
export function partPitch(op: Pick<Op, 'inputs' | 'attributes'>, { m, n }: Pick<Product, 'm' | 'n'>): number {
  return m * n + (epilogueOf(op, op.inputs).secondIs === 'columnSum' ? n : 0);
}
