// The sum of a tensor, or of its squares, in an order that never changes: the global norm of a gradient is the square root
// of the latter. It has no gradient.

import { reduce as elementWgsl } from '../generated/reduce.ts';
import { reduceTiled as tiledWgsl } from '../generated/reduce-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect } from '../plan/expect.ts';
import type { DeviceTraits, Dispatch, Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';
import { reduceReference } from './reduce.reference.ts';

export type ReduceAttributes = { readonly squared: boolean };

/** The sum of all elements of x [..]: [1]. */
export function sumElements(builder: PlanBuilder, x: Tensor, name = 'sum'): Tensor {
  return builder.op(reduceKernel, [x], { squared: false }, [name])[0];
}

/** The sum of the squares of all elements of x [..]: [1]. */
export function sumSquares(builder: PlanBuilder, x: Tensor, name = 'squares'): Tensor {
  return builder.op(reduceKernel, [x], { squared: true }, [name])[0];
}

/** [x [..]] -> [sum, or sum of squares, [1]]. */
export const reduceKernel: Kernel = {
  name: 'reduce',
  infer([x]) {
    expect('reduce', x?.dtype === 'f32', 'x is not f32');
    return [{ shape: [1], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits, scratch) {
    const entryPoint = (attributes as ReduceAttributes).squared ? 'sum_squares' : 'sum';
    return listPasses(entryPoint, inputs[0]!, outputs[0]!, traits, scratch);
  },
  reference: reduceReference,
};

/** Passes that leave fewer and fewer sums, until one lands in `out`. */
function listPasses(
  entryPoint: 'sum' | 'sum_squares',
  x: Tensor,
  out: Tensor,
  traits: DeviceTraits,
  scratch: (name: string, elements: number) => Tensor,
): Dispatch[] {
  const parts = splitElements(elementsOf(x.shape), traits);
  const sums = parts.map(({ elements }) => (traits.isCpu ? sumsOf(elements) : tiledSumsOf(elements)));
  const total = sums.reduce((sum, part) => sum + part);
  const target = total === 1 ? out : scratch('sums', total);
  let written = 0;
  const dispatches = parts.map((range, index) => {
    const constants = { elements: range.elements, sums: sums[index]!, first: written };
    written += sums[index]!;
    const call = { entryPoint, tensors: { x: { tensor: x, range }, out: target }, constants };
    return traits.isCpu
      ? dispatch(elementWgsl, { ...call, workgroups: linearWorkgroups(sums[index]!, 64, traits) })
      : dispatch(tiledWgsl, { ...call, workgroups: [sums[index]!, 1, 1] });
  });
  return total === 1 ? dispatches : [...dispatches, ...listPasses('sum', target, out, traits, scratch)];
}

/** Sums of an invocation each, few enough that each next pass is small. At most 65,536: 1,024 workgroups. */
function sumsOf(elements: number): number {
  return elements <= 1024 ? 1 : Math.min(65536, Math.ceil(elements / 256));
}

/** One sum a workgroup of 256, where that takes few elements an invocation; else as many workgroups as fill a large GPU. */
function tiledSumsOf(elements: number): number {
  return elements <= 8192 ? 1 : Math.min(1024, Math.ceil(elements / 2048));
}
