// The embedding of the tokens that a decoding step is about, one of each text.

import { tokenEmbedding as wgsl } from '../generated/token-embedding.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor, View } from '../plan/op.ts';
import { cursorSize, textsOf } from './cursor.ts';

/**
 * The row of `table` of each cursor's token, plus the row of `positions` at its position.
 * @param table [V, C]; the token must be below V
 * @param positions [P, C], or null for none; the position must be below P
 * @returns [B, C]
 */
export function embedToken(builder: PlanBuilder, cursor: Tensor, table: Tensor, positions: Tensor | null): Tensor {
  return builder.op(tokenEmbeddingKernel, positions ? [cursor, table, positions] : [cursor, table])[0];
}

/** [cursor u32 [4 B], table [V, C], positions? [P, C]] -> [out [B, C]]. */
export const tokenEmbeddingKernel: Kernel = {
  name: 'tokenEmbedding',
  infer([cursor, table, positions]) {
    const [, width] = expectMatrix('tokenEmbedding', table);
    expectTensor('tokenEmbedding', cursor, [cursorSize * textsOf(cursor)], 'u32');
    if (positions) expectTensor('tokenEmbedding', positions, [positions.shape[0]!, width]);
    return [{ shape: [textsOf(cursor), width], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }) {
    const [cursor, table, positions] = inputs as [Tensor, Tensor, Tensor?];
    const out = outputs[0]!;
    const width = table.shape[1]!;
    const call = { constants: { width }, workgroups: [Math.ceil(width / 64), out.shape[0]!, 1] } as const;
    if (!positions) return [dispatch(wgsl, { entryPoint: 'lookup', tensors: { cursor, table, out }, ...call })];
    const tensors = { cursor, table, out, positions };
    return [dispatch(wgsl, { entryPoint: 'lookup_with_position', tensors, ...call })];
  },
  reference([cursor, table, positions]: readonly View[], [out]: readonly View[]) {
    const texts = cursor!.length / cursorSize;
    const width = out!.length / texts;
    for (let at = 0; at < out!.length; at++) {
      const [text, c] = [Math.floor(at / width), at % width];
      const [token, position] = [cursor![text * cursorSize]!, cursor![text * cursorSize + 1]!];
      out![at] = table![token * width + c]! + (positions ? positions[position * width + c]! : 0);
    }
  },
};
