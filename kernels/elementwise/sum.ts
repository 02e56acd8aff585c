// Sums tensors of one shape: what several ops contribute to one gradient, and the residual connection.
// [..] + [..] + … -> [..], f32.

import { LoomError } from '../../shared/errors.ts';
import type { Kernel } from '../plan/op.ts';
import { sumReference } from './sum.reference.ts';

/** output = inputs[0] + inputs[1] + …, summed from the left. One input: a copy. */
export const sum: Kernel = {
  name: 'sum',
  infer(inputs) {
    const [first, ...rest] = inputs;
    if (!first || rest.some((input) => input.shape.join() !== first.shape.join())) {
      throw new LoomError('internal', `sum of [${inputs.map((input) => input.shape.join(', ')).join('] and [')}]`);
    }
    return [{ shape: first.shape, dtype: 'f32' }];
  },
  dispatches() {
    throw new LoomError('internal', 'sum has no WGSL yet');
  },
  reference: sumReference,
  adjoint(op, builder) {
    const gradient = builder.gradientOf(op.outputs[0]!)!;
    for (const input of op.inputs) builder.pass(input, gradient);
  },
};
