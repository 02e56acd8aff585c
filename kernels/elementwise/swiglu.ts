// SwiGLU, the gated activation of Llama's feed-forward layers, and its gradient: Shazeer 2020, arXiv:2002.05202.

import { swiglu as module } from '../generated/swiglu.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Op, Tensor, View } from '../plan/op.ts';
import type { Wasm } from '../wasm/wasm.ts';
import { elementsOf } from '../plan/op.ts';
import { swigluGradientReference, swigluReference } from './swiglu.reference.ts';

/** x [R, 2 F], a row being F gates and F values -> SiLU(gate) * value [R, F]; SiLU(x) = x / (1 + e^-x). */
export const swiglu: Kernel = {
  name: 'swiglu',
  infer([x]) {
    const [rows, width] = expectMatrix('swiglu', x);
    expect('swiglu', width % 2 === 0, `${width} columns are not gates and values`);
    return [{ shape: [rows, width / 2], dtype: 'f32' }];
  },
  dispatches({ inputs: [x], outputs: [out] }, traits) {
    const constants = { elements: elementsOf(out!.shape), width: out!.shape[1]! };
    const workgroups = linearWorkgroups(constants.elements, 256, traits);
    return [dispatch(module, { entryPoint: 'forward', tensors: { x: x!, out: out! }, constants, workgroups })];
  },
  reference: swigluReference,
  cpu: { run: ([x], [out], op, wasm) => runSwiglu(x!, out!, op.inputs[0]!, wasm) },
  adjoint({ inputs: [x], outputs: [out] }, builder) {
    const target = builder.contribute(x!);
    if (target) builder.op(swigluGradient, [x!, builder.gradientOf(out!)!], [target]);
  },
};

/** On the CPU backend. @param shaped the tensor of x */
export function runSwiglu(x: View, out: View, shaped: Tensor, wasm: Wasm): void {
  const width = out.length / shaped.shape[0]!;
  if (width % 4 > 0) return swigluReference([x], [out], { inputs: [shaped] });
  for (let i = 0; i < out.length; i += width) wasm.rows.swiglu_row(x.byteOffset + 8 * i, out.byteOffset + 4 * i, width);
}

/** x [R, 2 F], dy [R, F] -> dx [R, 2 F]. */
export const swigluGradient: Kernel = {
  name: 'swigluGradient',
  infer([x, gradient]) {
    const [rows, width] = expectMatrix('swigluGradient', x);
    expectTensor('swigluGradient', gradient, [rows, width / 2]);
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [x, gradient] = inputs as [Tensor, Tensor];
    const constants = { elements: elementsOf(gradient.shape), width: gradient.shape[1]! };
    const workgroups = linearWorkgroups(constants.elements, 256, traits);
    const tensors = { x, gradient, out: outputs[0]! };
    return [dispatch(module, { entryPoint: 'backward', tensors, constants, workgroups })];
  },
  reference: swigluGradientReference,
  cpu: {
    run([x, dy], [dx], op, wasm) {
      const width = dy!.length / rowsOf(op);
      if (width % 4 > 0) return swigluGradientReference([x!, dy!], [dx!], op);
      for (let i = 0; i < dy!.length; i += width)
        wasm.rows.swiglu_gradient_row(x!.byteOffset + 8 * i, dy!.byteOffset + 4 * i, dx!.byteOffset + 8 * i, width);
    },
  },
};

function rowsOf({ inputs: [x] }: Op): number {
  return x!.shape[0]!;
}
