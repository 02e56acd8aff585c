// The embedding of the one token that a decoding step is about.

import { tokenEmbedding as wgsl } from '../generated/token-embedding.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor, View } from '../plan/op.ts';
import { cursorSize } from './cursor.ts';

/**
 * The row of `table` of the cursor's token, plus the row of `positions` at its position.
 * @param table [V, C]; the token must be below V
 * @param positions [P, C], or null for none; the position must be below P
 * @returns [1, C]
 */
export function embedToken(builder: PlanBuilder, cursor: Tensor, table: Tensor, positions: Tensor | null): Tensor {
  return builder.op(tokenEmbeddingKernel, positions ? [cursor, table, positions] : [cursor, table])[0];
}

/** [cursor u32 [4], table [V, C], positions? [P, C]] -> [out [1, C]]. */
export const tokenEmbeddingKernel: Kernel = {
  name: 'tokenEmbedding',
  infer([cursor, table, positions]) {
    const [, width] = expectMatrix('tokenEmbedding', table);
    expectTensor('tokenEmbedding', cursor, [cursorSize], 'u32');
    if (positions) expectTensor('tokenEmbedding', positions, [positions.shape[0]!, width]);
    return [{ shape: [1, width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }) {
    const [cursor, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const out = outputs[0]!;
    const width = table.shape[1]!;
    const call = { constants: { width }, workgroups: [Math.ceil(width / 64), 1, 1] } as const;
    if (!positions) return [dispatch(wgsl, { entryPoint: 'lookup', tensors: { cursor, table, out }, ...call })];
    const tensors = { cursor, table, out, positions };
    return [dispatch(wgsl, { entryPoint: 'lookup_with_position', tensors, ...call })];
  },
  reference([cursor, table, positions]: readonly View[], [out]: readonly View[]) {
    const [token, position] = [cursor![0]!, cursor![1]!];
    const width = out!.length;
    for (let c = 0; c < width; c++)
      out![c] = table![token * width + c]! + (positions ? positions[position * width + c]! : 0);
  },
};
