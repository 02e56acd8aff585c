// Both gradients of a product of normalized rows, and the gradient of the norm, in one dispatch on GPUs. Only folded.ts
// lists it, and sees to it that everything fits.

import { matmulPairNorm as wgsl } from '../generated/matmul-pair-norm.ts';
import { coreOf } from '../matmul/half.ts';
import { targetsOf } from '../matmul/listing.ts';
import type { Scratch } from '../matmul/listing.ts';
import { productsOfPair, sizesOfPair, tilingOfPair } from '../matmul/pair.ts';
import { productOf } from '../matmul/product.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Op, Tensor } from '../plan/op.ts';
import { spanOf } from '../plan/span.ts';

export interface NormPair {
  /** The gradients of both operands of a product, the first of normalized rows. */
  readonly pair: Op;
  /** The norm's gradient, whose gradient is the pair's first output. */
  readonly gradient: Op;
  readonly normed: Tensor; // what the pair reads of the norm, which is made again
  readonly scales: readonly [gain: Tensor, bias?: Tensor]; // of the norm
  readonly margin: Margin;
}

/** What the dispatches around a norm leave each other besides tensors of the plan. Offsets are in elements, multiples of four. */
export interface Margin {
  readonly tensor: Tensor;
  readonly rowSumsAt: number; // [rowParts, R] of pairs: sums of rows of the gradient of the product; before it, weights of its columns
  readonly rowParts: number;
  readonly scaleSumsAt: number; // [scaleParts, 2, C]: the gradients of gain and bias by 64 rows each, to be summed later
  readonly scaleParts: number;
}

/** Parameters, and gradients of them, that share a binding each; null when they do not lie in flat vectors. */
export function spansOf({ pair, scales }: Pick<NormPair, 'pair' | 'scales'>) {
  const [first, second] = productsOfPair(pair);
  const [gain, bias = gain] = scales;
  const [weight, sums = weight] = second.outputs as [Tensor, Tensor?];
  const [parameters, gradients] = [spanOf([gain, bias, first.inputs[1]!]), spanOf([weight, sums])];
  return parameters && gradients && { parameters, gradients };
}

export function listNormPair(found: NormPair, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const { pair, gradient, normed, scales, margin } = found;
  const [, second] = productsOfPair(pair);
  const tiling = tilingOfPair(pair, traits);
  const { parameters, gradients } = spansOf(found)!;
  const { c: partials, fold } = targetsOf(second, tiling, traits, scratch);
  const { m, n } = productOf(second);
  const [input, , statistics, , addend] = gradient.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor?];
  const [gain_at, shift_at, weight_at] = parameters.offsets as [number, number, number];
  const [weight_gradient_at, sums_at] = (tiling.parts === 1 ? gradients.offsets : [0, m * n]) as [number, number];
  const sizes = sizesOfPair(pair, tiling);
  const made = dispatch(wgsl[coreOf(traits)][tiling.tile], {
    entryPoint: 'by_four',
    tensors: {
      gradient: pair.inputs[0]!,
      parameters: parameters.slice,
      input,
      statistics,
      addend: addend ?? input,
      c: gradient.outputs[0]!,
      second_c: tiling.parts === 1 ? gradients.slice : partials,
      margin: margin.tensor,
    },
    constants: {
      ...sizes.constants,
      centred: gradient.attributes['centred'] as boolean,
      adds: addend !== undefined,
      norm_is_a: second.inputs[0] === normed,
      row_parts: margin.rowParts,
      row_sums_at: margin.rowSumsAt,
      scale_sums_at: margin.scaleSumsAt,
      gain_at,
      shift_at,
      shifted: scales.length > 1,
      weight_at,
      weight_gradient_at,
      sums_at,
    },
    workgroups: linearWorkgroups(sizes.workgroups, 1, traits),
  });
  return [made, ...fold];
}
