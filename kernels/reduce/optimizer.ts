// What every optimizer over the flat parameter vector has in common: its inputs, and how it is listed.

import type { PlanBuilder } from '../plan/builder.ts';
import { parameterAlignment } from '../plan/builder.ts';
import { expectTensor } from '../plan/expect.ts';
import type { Attributes, Kernel, Tensor } from '../plan/op.ts';
import { sumSquares } from './reduce.ts';

export interface Optimizer {
  /** The input `NAME.hyper`; write it before a run whenever it changes. */
  readonly hyper: Tensor;
  /** The sum of the squares of the gradient before clipping, [1]. */
  readonly squares: Tensor;
}

/**
 * Lists an in-place kernel [gradients [P], squares [1], decays [P / 64], hyper] -> [parameters [P], states [P] …].
 * @param states names of what the optimizer keeps for each parameter
 */
export function listOptimizer(
  builder: PlanBuilder,
  kernel: Kernel,
  hyperSize: number,
  states: readonly string[],
  attributes: Attributes = {},
): Optimizer {
  const [parameters, gradients] = [builder.parameters(), builder.gradients()];
  const hyper = builder.input(`${kernel.name}.hyper`, [hyperSize]);
  const squares = sumSquares(builder, gradients, `${kernel.name}.squares`);
  const decays = decayBlocks(builder, `${kernel.name}.decays`);
  const kept = states.map((state) => builder.state(`${kernel.name}.${state}`, parameters.shape));
  builder.update(kernel, [gradients, squares, decays, hyper], [parameters, ...kept], attributes);
  return { hyper, squares };
}

/** Checks an optimizer's inputs; its outputs are `outputs` vectors [P]. */
export function inferOptimizer(
  kernel: string,
  [gradients, squares, decays, hyper]: readonly Tensor[],
  hyperSize: number,
  outputs: number,
): { shape: readonly number[]; dtype: 'f32' }[] {
  const elements = gradients!.shape[0]!;
  expectTensor(kernel, gradients, [Math.ceil(elements / parameterAlignment) * parameterAlignment]);
  expectTensor(kernel, squares, [1]);
  expectTensor(kernel, decays, [elements / parameterAlignment]);
  expectTensor(kernel, hyper, [hyperSize]);
  return Array.from({ length: outputs }, () => ({ shape: [elements], dtype: 'f32' }));
}

/**
 * A constant [P / 64]: 1 for the blocks of parameters declared with `decay`, else 0. Parameters begin at multiples of 64
 * elements, so one number a block is enough.
 */
function decayBlocks(builder: PlanBuilder, name: string): Tensor {
  const blocks = new Float32Array(builder.parameters().shape[0]! / parameterAlignment);
  for (const { offset, elements, decay } of builder.layout()) {
    if (decay) blocks.fill(1, offset / parameterAlignment, Math.ceil((offset + elements) / parameterAlignment));
  }
  return builder.constant(name, [blocks.length], blocks);
}
