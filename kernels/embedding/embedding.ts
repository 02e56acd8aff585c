// Token embedding with or without learned positions. R = B * T rows of width C.

import { embedding as wgsl } from '../generated/embedding.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import {
  embeddingPositionGradientKernel,
  embeddingTableGradientKernel,
  tokenOrderKernel,
} from './embedding-gradient.ts';
import { embeddingReference, tokenOrderReference } from './embedding.reference.ts';

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

/**
 * [tokens u32 [B, T], table [V, C], positions? [P, C]] -> [out [B * T, C], and from fusing what `tokenOrderKernel` makes of the
 * tokens: order u32 [R], sorted tokens u32 [R]].
 */
export const embeddingKernel: Kernel = {
  name: 'embedding',
  infer([tokens, table, positions]) {
    const [batch, time] = expectMatrix('embedding', tokens);
    const [, width] = expectMatrix('embedding', table);
    expectTensor('embedding', tokens, [batch, time], 'u32');
    if (positions) expectTensor('embedding', positions, [Math.max(time, positions.shape[0]!), width]);
    return [{ shape: [batch * time, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits, scratch) {
    const [tokens, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const [out, order, ranked] = outputs as [Tensor, Tensor?, Tensor?];
    const [rows, width] = out.shape as [number, number];
    const ranked_rows = order ? rows : 0;
    const constants = { rows: ranked_rows, time: tokens.shape[1]!, width, elements: elementsOf(out.shape) };
    const sorted = { order: order ?? scratch('order', 1), ranked: ranked ?? scratch('ranked', 1) };
    return [
      dispatch(wgsl, {
        entryPoint: 'lookup',
        tensors: { tokens, table, out, positions: positions ?? table, ...sorted },
        constants: { ...constants, positioned: positions !== undefined },
        workgroups: linearWorkgroups(64 * Math.ceil(ranked_rows / 64) + constants.elements, 64, traits),
      }),
    ];
  },
  reference(inputs, outputs, op) {
    embeddingReference(inputs, outputs, op);
    if (outputs.length > 1) tokenOrderReference(inputs, outputs.slice(1));
  },
  /** Sorts the tokens too, for the backward pass: that waits for nothing, and here other invocations have work meanwhile. */
  fuse(op, next) {
    const isOwn = next.kernel === tokenOrderKernel && next.inputs[0] === op.inputs[0] && op.outputs.length === 1;
    return isOwn ? { ...op, outputs: [...op.outputs, ...next.outputs] } : null;
  },
  adjoint({ inputs, outputs }, builder) {
    const [tokens, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const gradient = builder.gradientOf(outputs[0]!)!;
    const intoTable = builder.contribute(table);
    if (intoTable) {
      const sorted = ['order', 'sorted tokens'].map((name) => builder.temporary(name, [gradient.shape[0]!], 'u32'));
      builder.op(tokenOrderKernel, [tokens], sorted);
      builder.op(embeddingTableGradientKernel, [...sorted, gradient], [intoTable], { vocabulary: table.shape[0]! });
    }
    const intoPositions = positions && builder.contribute(positions);
    if (intoPositions) {
      const attributes = { time: tokens.shape[1]!, positions: intoPositions.shape[0]! };
      builder.op(embeddingPositionGradientKernel, [gradient], [intoPositions], attributes);
    }
  },
};
