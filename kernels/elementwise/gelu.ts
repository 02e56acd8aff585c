// GELU, the activation of GPT-2's feed-forward layers, and its gradient.

import { gelu as module } from '../generated/gelu.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { Kernel } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { geluGradientReference, geluReference } from './gelu.reference.ts';

/** x [..] -> x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) [..], f32. */
export const gelu: Kernel = {
  name: 'gelu',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  dispatches({ inputs: [x], outputs: [out] }, traits) {
    const elements = elementsOf(x!.shape);
    const workgroups = linearWorkgroups(elements, 256, traits);
    const tensors = { x: x!, out: out! };
    return [dispatch(module, { entryPoint: 'forward', tensors, constants: { elements }, workgroups })];
  },
  reference: geluReference,
  cpu: { run: ([x], [y], _, wasm) => wasm.gelu(x!.byteOffset, y!.byteOffset, x!.length) },
  adjoint(op, builder) {
    const target = builder.contribute(op.inputs[0]!);
    if (target) builder.op(geluGradient, [op.inputs[0]!, builder.gradientOf(op.outputs[0]!)!], [target]);
  },
};

/** x [..], dy [..] -> dx [..]. */
export const geluGradient: Kernel = {
  name: 'geluGradient',
  infer([x, gradient]) {
    expectTensor('geluGradient', gradient, x!.shape);
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  dispatches({ inputs: [x, gradient], outputs: [out] }, traits) {
    const elements = elementsOf(x!.shape);
    const workgroups = linearWorkgroups(elements, 256, traits);
    const tensors = { x: x!, gradient: gradient!, out: out! };
    return [dispatch(module, { entryPoint: 'backward', tensors, constants: { elements }, workgroups })];
  },
  reference: geluGradientReference,
  cpu: {
    run: ([x, dy], [dx], _, wasm) => wasm.geluGradient(x!.byteOffset, dy!.byteOffset, dx!.byteOffset, x!.length),
  },
};
