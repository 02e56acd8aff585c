// Llama, Mistral, Qwen2 and Qwen3 as a plan: RMSNorm, rotary positions, heads of queries that share keys and values, SwiGLU. Matrices
// are [out, in] as in Hugging Face's files; q, k and v are one matrix, gate and up another, so that each is one product
// (llama-files.ts splits them). B windows of T tokens are R = B * T rows; C = width, F = hidden, D = head size.

import { swiglu } from '../../kernels/elementwise/swiglu.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import { normHeads } from '../../kernels/norm/head-norm.ts';
import { rmsNorm } from '../../kernels/norm/norm.ts';
import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';
import { addBranch, listHead } from './sequence.ts';
import type { Rotary } from '../../kernels/rotary/angles.ts';
import type { AttentionHeads, Sequence } from './sequence.ts';

export interface LlamaShape {
  readonly kind: 'llama';
  readonly layers: number;
  readonly heads: number; // H, of queries
  readonly kvHeads: number; // K, of keys and values, a divisor of H
  readonly headSize: number; // D, even
  readonly width: number; // C
  readonly hidden: number; // F
  readonly context: number; // most positions
  readonly vocabulary: number;
  readonly rotary: Rotary;
  readonly epsilon: number; // of the norms
  readonly qkvBias: boolean; // as in Qwen2
  readonly headNorm?: boolean; // RMSNorm of each head of q and k, as in Qwen3; absent: none
  readonly tied: boolean; // the LM head is the token table
}

interface Block {
  readonly inputNorm: Tensor; // [C]
  readonly qkv: Tensor; // [(H + 2 K) D, C]
  readonly qkvBias: Tensor | null; // [(H + 2 K) D]
  readonly attentionOut: Tensor; // [C, H D]
  readonly headNorms: readonly [Tensor, Tensor] | null; // of q [D] and k [D]
  readonly attendedNorm: Tensor; // [C]
  readonly gateUp: Tensor; // [2 F, C]
  readonly down: Tensor; // [C, F]
}

/**
 * Lists the model's parameters and its forward pass.
 * @param sequence `windows` of u32 tokens [B, T] with T <= context, or another way to see R positions
 * @returns logits [R, V], or what the sequence's `head` makes
 */
export function listLlama(builder: PlanBuilder, shape: LlamaShape, sequence: Sequence): Tensor {
  const { layers, width, vocabulary, epsilon } = shape;
  const table = builder.parameter('model.embed_tokens.weight', [vocabulary, width], { decay: true });
  const blocks = Array.from({ length: layers }, (_, i) => declareBlock(builder, shape, `model.layers.${i}`));
  const finalNorm = builder.parameter('model.norm.weight', [width]);
  const head = shape.tied ? table : builder.parameter('lm_head.weight', [vocabulary, width], { decay: true });
  const embedded = sequence.embed(table, null); // [R, C]
  let x = sequence.drop?.(embedded) ?? embedded;
  for (const block of blocks) x = builder.segment(() => listBlock(builder, shape, block, x, sequence));
  return listHead(builder, sequence, rmsNorm(builder, x, finalNorm, { epsilon }), head); // [R, V]
}

export function llamaHeads({ heads, kvHeads, headSize, rotary }: LlamaShape): AttentionHeads {
  return { heads, kvHeads, headSize, rotary };
}

function listBlock(builder: PlanBuilder, shape: LlamaShape, block: Block, x: Tensor, sequence: Sequence): Tensor {
  const { epsilon } = shape;
  const normed = rmsNorm(builder, x, block.inputNorm, { epsilon });
  const qkv = applyLinear(builder, normed, block.qkv, block.qkvBias); // [R, (H + 2 K) D]
  const { heads, kvHeads } = shape;
  const compared = block.headNorms ? normHeads(builder, qkv, block.headNorms, { heads, kvHeads, epsilon }) : qkv;
  const mixed = sequence.attend(compared, llamaHeads(shape)); // [R, H D]
  const attended = addBranch(builder, sequence, x, applyLinear(builder, mixed, block.attentionOut)); // [R, C]
  const gateUp = applyLinear(builder, rmsNorm(builder, attended, block.attendedNorm, { epsilon }), block.gateUp); // [R, 2 F]
  const inner = builder.op(swiglu, [gateUp])[0]; // [R, F]
  return addBranch(builder, sequence, attended, applyLinear(builder, inner, block.down));
}

/** @param weight [out, in]  @param bias [out] */
function applyLinear(builder: PlanBuilder, x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return builder.op(matmul, bias ? [x, weight, bias] : [x, weight], { layout: 'nt' }, ['linear'])[0];
}

/** Declares a block's parameters in Hugging Face's order. Matrices decay, vectors do not. */
function declareBlock(builder: PlanBuilder, shape: LlamaShape, name: string): Block {
  const { heads, kvHeads, headSize, width, hidden, headNorm = false } = shape;
  const qkvWidth = (heads + 2 * kvHeads) * headSize;
  const matrix = (part: string, outputs: number, inputs: number): Tensor =>
    builder.parameter(`${name}.${part}.weight`, [outputs, inputs], { decay: true });
  const norm = (part: string, size = width): Tensor => builder.parameter(`${name}.${part}.weight`, [size]);
  return {
    inputNorm: norm('input_layernorm'),
    qkv: matrix('self_attn.qkv_proj', qkvWidth, width),
    qkvBias: shape.qkvBias ? builder.parameter(`${name}.self_attn.qkv_proj.bias`, [qkvWidth]) : null,
    attentionOut: matrix('self_attn.o_proj', width, heads * headSize),
    headNorms: headNorm ? [norm('self_attn.q_norm', headSize), norm('self_attn.k_norm', headSize)] : null,
    attendedNorm: norm('post_attention_layernorm'),
    gateUp: matrix('mlp.gate_up_proj', 2 * hidden, width),
    down: matrix('mlp.down_proj', width, hidden),
  };
}
