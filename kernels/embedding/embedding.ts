// Token embedding with or without learned positions, forward and backward. R = B * T rows of width C.

import { embedding as wgsl } from '../generated/embedding.ts';
import { embeddingGradient as gradientWgsl } from '../generated/embedding-gradient.ts';
import { addendOf, withAddend } from '../elementwise/addend.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import {
  embeddingPositionGradientReference,
  embeddingReference,
  embeddingTableGradientReference,
} from './embedding.reference.ts';

/**
 * Looks up one row of `table` per token and adds the row of `positions` at the token's place in its sequence.
 * @param tokens u32 [B, T], each below V
 * @param table [V, C]
 * @param positions [P, C] with P >= T, or null for none
 * @returns [B * T, C]
 */
export function embed(
  builder: PlanBuilder,
  tokens: Tensor,
  table: Tensor,
  positions: Tensor | null,
  name = 'embedding',
): Tensor {
  return builder.op(embeddingKernel, positions ? [tokens, table, positions] : [tokens, table], {}, [name])[0];
}

/** [tokens u32 [B, T], table [V, C], positions? [P, C]] -> [out [B * T, C]]. */
export const embeddingKernel: Kernel = {
  name: 'embedding',
  infer([tokens, table, positions]) {
    const [batch, time] = expectMatrix('embedding', tokens);
    const [, width] = expectMatrix('embedding', table);
    expectTensor('embedding', tokens, [batch, time], 'u32');
    if (positions) expectTensor('embedding', positions, [Math.max(time, positions.shape[0]!), width]);
    return [{ shape: [batch * time, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [tokens, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const out = outputs[0]!;
    const [time, width, elements] = [tokens.shape[1]!, table.shape[1]!, elementsOf(out.shape)];
    const workgroups = linearWorkgroups(elements, 64, traits);
    if (!positions) {
      const call = { tensors: { tokens, table, out }, constants: { width, elements }, workgroups };
      return [dispatch(wgsl, { entryPoint: 'lookup', ...call })];
    }
    const call = { tensors: { tokens, table, out, positions }, constants: { time, width, elements }, workgroups };
    return [dispatch(wgsl, { entryPoint: 'lookup_with_positions', ...call })];
  },
  reference: embeddingReference,
  adjoint({ inputs, outputs }, builder) {
    const [tokens, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const gradient = builder.gradientOf(outputs[0]!)!;
    const intoTable = builder.contribute(table);
    if (intoTable) {
      builder.op(embeddingTableGradientKernel, [tokens, gradient], [intoTable], { vocabulary: table.shape[0]! });
    }
    const intoPositions = positions && builder.contribute(positions);
    if (intoPositions) {
      const attributes = { time: tokens.shape[1]!, positions: intoPositions.shape[0]! };
      builder.op(embeddingPositionGradientKernel, [gradient], [intoPositions], attributes);
    }
  },
};

/**
 * [tokens u32 [B, T], gradient [B * T, C], addend? [vocabulary, C]] -> [table gradient + addend [vocabulary, C], position gradient?
 * [positions, C]]; zero for tokens that do not appear. A token of V or more adds nothing on a GPU. The second output comes from
 * fusing.
 */
export const embeddingTableGradientKernel: Kernel = {
  name: 'embeddingTableGradient',
  infer([tokens, gradient], { vocabulary }) {
    const [rows, width] = expectMatrix('embeddingTableGradient', gradient);
    expectTensor('embeddingTableGradient', tokens, [tokens!.shape[0]!, rows / tokens!.shape[0]!], 'u32');
    return [{ shape: [vocabulary as number, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits, scratch) {
    const [tokens, gradient, addend] = inputs as [Tensor, Tensor, Tensor?];
    const [table_gradient, intoPositions] = outputs as [Tensor, Tensor?];
    const [rows, width] = gradient.shape as [number, number];
    const elements = elementsOf(table_gradient.shape);
    const position_elements = intoPositions ? elementsOf(intoPositions.shape) : 0;
    const [order, ranked] = [scratch('order', rows), scratch('ranked', rows)];
    const sorted = { sorted_rows: order, sorted_tokens: ranked };
    const position_gradient = intoPositions ?? scratch('unused', 1);
    return [
      dispatch(gradientWgsl, {
        entryPoint: 'rank',
        tensors: { tokens, order, ranked },
        constants: { rows },
        workgroups: linearWorkgroups(rows, 64, traits),
      }),
      dispatch(gradientWgsl, {
        entryPoint: 'gather',
        tensors: { ...sorted, gradient, table_gradient, addend: addend ?? gradient, position_gradient },
        constants: { rows, time: tokens.shape[1]!, width, elements, position_elements, adds: addend !== undefined },
        workgroups: linearWorkgroups(elements + position_elements, 64, traits),
      }),
    ];
  },
  reference(inputs, outputs, op) {
    embeddingTableGradientReference(inputs, outputs);
    if (outputs[1]) embeddingPositionGradientReference([inputs[1]!], [outputs[1]], { ...op, inputs: [op.inputs[1]!] });
  },
  /** Takes over the gradient of the positions, and the sum of that of the table with another contribution to it. */
  fuse(op, next, isNeeded) {
    if (next.kernel === embeddingPositionGradientKernel && next.inputs[0] === op.inputs[1] && op.outputs.length === 1) {
      const attributes = { ...op.attributes, ...next.attributes };
      return { ...op, outputs: [...op.outputs, ...next.outputs], attributes };
    }
    const addend = op.inputs.length === 2 ? addendOf(op, next, isNeeded) : null;
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
      dispatch(gradientWgsl, {
        entryPoint: 'positions',
        tensors: { gradient: gradient!, position_gradient: position_gradient! },
        constants: { rows, time: attributes['time'] as number, width, position_elements },
        workgroups: linearWorkgroups(position_elements, 64, traits),
      }),
    ];
  },
  reference: embeddingPositionGradientReference,
};
