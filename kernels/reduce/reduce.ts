// The sum of a tensor, or of its squares, in an order that never changes: the global norm of a gradient is the square root
// of the latter. It has no gradient.

import { reduce as elementWgsl } from '../generated/reduce.ts';
import { reduceTiled as tiledWgsl } from '../generated/reduce-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { TensorSlice } from '../plan/dispatch.ts';
import { expect } from '../plan/expect.ts';
import type { DeviceTraits, Dispatch, Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';
import type { Part } from '../plan/split.ts';
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

type EntryPoint = 'sum' | 'sum_squares';

/** Some ranges of a vector that one dispatch sums. */
interface Share {
  readonly parts: readonly Part[];
  readonly sums: number; // that each part leaves
}

/** Passes that leave fewer and fewer sums, until one lands in `out`. */
function listPasses(
  entryPoint: EntryPoint,
  x: Tensor,
  out: Tensor,
  traits: DeviceTraits,
  scratch: (name: string, elements: number) => Tensor,
): Dispatch[] {
  const shares = sharesOf(elementsOf(x.shape), traits);
  const total = shares.reduce((sum, { parts, sums }) => sum + parts.length * sums, 0);
  const target = total === 1 ? out : scratch('sums', total);
  let first = 0;
  const dispatches = shares.map((share) => {
    const made = listShare(entryPoint, x, target, share, first, traits);
    first += share.parts.length * share.sums;
    return made;
  });
  return total === 1 ? dispatches : [...dispatches, ...listPasses('sum', target, out, traits, scratch)];
}

/** A GPU sums as many ranges in one dispatch as it has bindings for. */
function sharesOf(elements: number, traits: DeviceTraits): Share[] {
  const parts = splitElements(elements, traits);
  if (traits.isCpu) return parts.map((part) => ({ parts: [part], sums: sumsOf(part.elements) }));
  const shares: Share[] = [];
  for (let i = 0; i < parts.length; i += mostParts)
    shares.push({ parts: parts.slice(i, i + mostParts), sums: tiledSumsOf(parts[i]!.elements) });
  return shares;
}

const mostParts = 7;

function listShare(
  entryPoint: EntryPoint,
  x: Tensor,
  out: Tensor,
  { parts, sums }: Share,
  first: number,
  traits: DeviceTraits,
): Dispatch {
  const slices = parts.map((range) => ({ tensor: x, range }));
  const [part0] = slices as [TensorSlice];
  const elements = parts.reduce((sum, part) => sum + part.elements, 0);
  if (traits.isCpu) {
    const constants = { elements, sums, first };
    return dispatch(elementWgsl, {
      entryPoint,
      tensors: { x: part0, out },
      constants,
      workgroups: linearWorkgroups(sums, 64, traits),
    });
  }
  const [, part1 = part0, part2 = part0, part3 = part0, part4 = part0, part5 = part0, part6 = part0] = slices;
  return dispatch(tiledWgsl, {
    entryPoint,
    tensors: { part0, part1, part2, part3, part4, part5, part6, out },
    constants: { elements, part_elements: part0.range.elements, sums, first },
    workgroups: [parts.length * sums, 1, 1],
  });
}

/** Sums of an invocation each, few enough that each next pass is small. At most 65,536: 1,024 workgroups. */
function sumsOf(elements: number): number {
  return elements <= 1024 ? 1 : Math.min(65536, Math.ceil(elements / 256));
}

/** One sum a workgroup of 256, where that takes few elements an invocation; else as many workgroups as fill a large GPU. */
function tiledSumsOf(elements: number): number {
  return elements <= 8192 ? 1 : Math.min(1024, Math.ceil(elements / 2048));
}
