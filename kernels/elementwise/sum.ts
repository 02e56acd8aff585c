// Sums tensors of one shape: the residual connection, and what several ops contribute to one gradient.

import { sum as module } from '../generated/sum.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import type { Kernel } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { sumReference } from './sum.reference.ts';

/** [..] + [..] + [..] -> [..], f32; one to three inputs, summed from the left. One input: a copy. */
export const sum: Kernel = {
  name: 'sum',
  infer(inputs) {
    expect('sum', inputs.length >= 1 && inputs.length <= 3, `${inputs.length} inputs`);
    const { shape } = inputs[0]!;
    for (const input of inputs) expectTensor('sum', input, shape);
    return [{ shape, dtype: 'f32' }];
  },
  dispatches({ inputs, outputs: [out] }, traits) {
    const elements = elementsOf(out!.shape);
    const [a, b = a, c = a] = inputs;
    return [
      dispatch(module, {
        entryPoint: 'sum',
        tensors: { a: a!, b: b!, c: c!, out: out! },
        constants: { elements, inputs: inputs.length },
        workgroups: linearWorkgroups(elements, 256, traits),
      }),
    ];
  },
  reference: sumReference,
  cpu: {
    run([first, ...rest], [out], _, wasm) {
      if (rest.length === 0) out!.set(first!);
      for (const [index, next] of rest.entries()) {
        const sofar = index === 0 ? first! : out!;
        wasm.add(sofar.byteOffset, next.byteOffset, out!.byteOffset, out!.length);
      }
    },
  },
  adjoint(op, builder) {
    const gradient = builder.gradientOf(op.outputs[0]!)!;
    for (const input of op.inputs) builder.pass(input, gradient);
  },
};
