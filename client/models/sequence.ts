// How the layers of a decoder see a sequence. A model lists itself over a `Sequence`, so that one listing serves training (whole
// windows side by side), prefill (one window whose keys and values are kept) and decoding (one token after a cache).

import { attend } from '../../kernels/attention/attention.ts';
import { sum } from '../../kernels/elementwise/sum.ts';
import { embed } from '../../kernels/embedding/embedding.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';
import type { Rotary } from '../../kernels/rotary/angles.ts';
import { rotaryTable } from '../../kernels/rotary/rotary.ts';

/** The attention of one layer; the same for all layers of a model. */
export interface AttentionHeads {
  readonly heads: number; // H, of queries
  readonly kvHeads: number; // K, of keys and values
  readonly headSize: number; // D
  /** How q and k are turned by position; null: they are not. */
  readonly rotary: Rotary | null;
}

export interface Sequence {
  /** @param table [V, C]; positions [P, C] or null; returns the rows that the model's layers work on [R, C] */
  embed(table: Tensor, positions: Tensor | null): Tensor;
  /** Rotary turn, where there is one, and causal attention. Once a layer, in order. @param qkv [R, (H + 2 K) D]; returns [R, H D] */
  attend(qkv: Tensor, heads: AttentionHeads): Tensor;
  /** Dropout on the embeddings and on what a layer adds to the residual stream [R, C]; absent: none. */
  drop?(x: Tensor): Tensor;
  /** Takes the place of the LM head: a loss that needs no logits. @param x [R, C]; table [V, C] */
  head?(x: Tensor, table: Tensor): Tensor;
}

/** The LM head: logits x table^T [R, V], unless the sequence has its own. */
export function listHead(builder: PlanBuilder, sequence: Sequence, x: Tensor, table: Tensor): Tensor {
  return sequence.head ? sequence.head(x, table) : builder.op(matmul, [x, table], { layout: 'nt' }, ['logits'])[0];
}

/** x + drop(branch): how a layer ends in the residual stream. */
export function addBranch(builder: PlanBuilder, sequence: Sequence, x: Tensor, branch: Tensor): Tensor {
  return builder.op(sum, [x, sequence.drop?.(branch) ?? branch])[0];
}

/** Whole windows, each from position 0: R = B * T. @param tokens u32 [B, T] */
export function windows(builder: PlanBuilder, tokens: Tensor): Sequence {
  const time = tokens.shape[1]!;
  const angles = anglesOfWindows(builder, time);
  return {
    embed: (table, positions) => embed(builder, tokens, table, positions),
    attend(qkv, heads) {
      return attend(builder, qkv, { time, heads: heads.heads, kvHeads: heads.kvHeads, angles: angles(heads) });
    },
  };
}

/** The angles of whole windows of T positions, where there are any; one table for all layers. */
export function anglesOfWindows(builder: PlanBuilder, time: number): (heads: AttentionHeads) => Tensor | null {
  let angles: Tensor | null = null;
  return ({ headSize, rotary }) => {
    if (rotary !== null) angles ??= rotaryTable(builder, { time, headSize, rotary });
    return angles;
  };
}
