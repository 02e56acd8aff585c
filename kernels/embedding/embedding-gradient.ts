// The gradient of an embedding without atomics on floats: rows are sorted by token, then those of each token summed, in the order in
// which they appear. R = B * T rows of width C.

import { embedding as lookupWgsl } from '../generated/embedding.ts';
import { embeddingGradient as wgsl } from '../generated/embedding-gradient.ts';
import { addendOf, withAddend } from '../elementwise/addend.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import {
  embeddingPositionGradientReference,
  embeddingTableGradientReference,
  tokenOrderReference,
} from './embedding.reference.ts';

/** [tokens u32 [..]] -> [order u32 [R]: the numbers of the rows sorted by token, stable; sorted tokens u32 [R]]. */
export const tokenOrderKernel: Kernel = {
  name: 'tokenOrder',
  infer([tokens]) {
    expect('tokenOrder', tokens?.dtype === 'u32', 'tokens are not u32');
    const rows = elementsOf(tokens!.shape);
    return [1, 2].map(() => ({ shape: [rows], dtype: 'u32' }));
  },
  dispatches({ inputs: [tokens], outputs }, traits) {
    const [order, ranked] = outputs as [Tensor, Tensor];
    const rows = order.shape[0]!;
    return [
      dispatch(lookupWgsl, {
        entryPoint: 'rank',
        tensors: { tokens: tokens!, order, ranked },
        constants: { rows },
        workgroups: linearWorkgroups(rows, 64, traits),
      }),
    ];
  },
  reference: tokenOrderReference,
};

/**
 * [order u32 [R], sorted tokens u32 [R], gradient [R, C], addend? [vocabulary, C]] -> [table gradient + addend [vocabulary, C],
 * position gradient? [positions, C]]; zero for tokens that do not appear. A token of V or more adds nothing. The second output
 * comes from fusing.
 */
export const embeddingTableGradientKernel: Kernel = {
  name: 'embeddingTableGradient',
  infer([order, ranked, gradient], { vocabulary }) {
    const [rows, width] = expectMatrix('embeddingTableGradient', gradient);
    expectTensor('embeddingTableGradient', order, [rows], 'u32');
    expectTensor('embeddingTableGradient', ranked, [rows], 'u32');
    return [{ shape: [vocabulary as number, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits, scratch) {
    const [sorted_rows, sorted_tokens, gradient, addend] = inputs as [Tensor, Tensor, Tensor, Tensor?];
    const [table_gradient, intoPositions] = outputs as [Tensor, Tensor?];
    const [rows, width] = gradient.shape as [number, number];
    const elements = elementsOf(table_gradient.shape);
    const position_elements = intoPositions ? elementsOf(intoPositions.shape) : 0;
    const position_gradient = intoPositions ?? scratch('unused', 1);
    const time = Number(attributes['time'] ?? 1);
    return [
      dispatch(wgsl, {
        entryPoint: 'gather',
        tensors: {
          sorted_rows,
          sorted_tokens,
          gradient,
          table_gradient,
          addend: addend ?? gradient,
          position_gradient,
        },
        constants: { rows, time, width, elements, position_elements, adds: addend !== undefined },
        workgroups: linearWorkgroups(elements + position_elements, 64, traits),
      }),
    ];
  },
  reference(inputs, outputs, op) {
    embeddingTableGradientReference(inputs, outputs);
    if (outputs[1]) embeddingPositionGradientReference([inputs[2]!], [outputs[1]], { ...op, inputs: [op.inputs[2]!] });
  },
  /** Takes over the gradient of the positions, and the sum of that of the table with another contribution to it. */
  fuse(op, next, isNeeded) {
    if (next.kernel === embeddingPositionGradientKernel && next.inputs[0] === op.inputs[2] && op.outputs.length === 1) {
      const attributes = { ...op.attributes, ...next.attributes };
      return { ...op, outputs: [...op.outputs, ...next.outputs], attributes };
    }
    const addend = op.inputs.length === 3 ? addendOf(op, next, isNeeded) : null;
    return addend && withAddend(op, addend, next);
  },
};

/** [gradient [B * time, C]] -> [position gradient [positions, C]]: sums over the batch; zero for positions past `time`. */
export const embeddingPositionGradientKernel: Kernel = {
  name: 'embeddingPositionGradient',
  infer([gradient], { positions }) {
    const [, width] = expectMatrix('embeddingPositionGradient', gradient);
    return [{ shape: [positions as number, width], dtype: 'f32' }];
  },
  dispatches({ inputs: [gradient], outputs: [position_gradient], attributes }, traits) {
    const [rows, width] = gradient!.shape as [number, number];
    const position_elements = elementsOf(position_gradient!.shape);
    return [
      dispatch(wgsl, {
        entryPoint: 'positions',
        tensors: { gradient: gradient!, position_gradient: position_gradient! },
        constants: { rows, time: attributes['time'] as number, width, position_elements },
        workgroups: linearWorkgroups(position_elements, 64, traits),
      }),
    ];
  },
  reference: embeddingPositionGradientReference,
};
