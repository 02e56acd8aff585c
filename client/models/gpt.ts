// GPT-2 as a plan: names, shapes and order of Hugging Face's GPT2LMHeadModel, LM head tied to the token embedding. Rotary
// positions and RMSNorm are options. B windows of T tokens are R = B * T rows; C = width, H = heads, V = vocabulary.

import { gelu } from '../../kernels/elementwise/gelu.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import { layerNorm, rmsNorm } from '../../kernels/norm/norm.ts';
import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';
import { addBranch, listHead } from './sequence.ts';
import type { AttentionHeads, Sequence } from './sequence.ts';

export interface GptShape {
  readonly kind: 'gpt';
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly positions: 'learned' | 'rotary';
  readonly norm: 'layer' | 'rms';
  readonly epsilon?: number; // of the norms; default 1e-5 for LayerNorm, 1e-6 for RMSNorm
}

interface Norm {
  readonly gain: Tensor; // [C]
  readonly bias: Tensor | null; // [C]
}

interface Linear {
  readonly weight: Tensor; // [in, out], as Hugging Face's Conv1D
  readonly bias: Tensor; // [out]
}

interface Block {
  readonly norm1: Norm;
  readonly qkv: Linear; // [C, 3 C]
  readonly attentionOut: Linear; // [C, C]
  readonly norm2: Norm;
  readonly widen: Linear; // [C, 4 C]
  readonly narrow: Linear; // [4 C, C]
}

interface Gpt {
  readonly tokenTable: Tensor; // [V, C], also the LM head
  readonly positionTable: Tensor | null; // [context, C]
  readonly blocks: readonly Block[];
  readonly finalNorm: Norm;
}

/**
 * Lists the model's parameters and its forward pass.
 * @param sequence `windows` of u32 tokens [B, T] with T <= context, or another way to see R positions
 * @returns logits [R, V], or what the sequence's `head` makes
 */
export function listGpt(builder: PlanBuilder, shape: GptShape, sequence: Sequence): Tensor {
  const model = declareGpt(builder, shape);
  const embedded = sequence.embed(model.tokenTable, model.positionTable); // [R, C]
  let x = sequence.drop?.(embedded) ?? embedded;
  for (const block of model.blocks) x = builder.segment(() => listBlock(builder, shape, block, x, sequence));
  return listHead(builder, sequence, applyNorm(builder, shape, model.finalNorm, x), model.tokenTable); // [R, V]
}

export function gptHeads({ heads, width, positions }: GptShape): AttentionHeads {
  return { heads, kvHeads: heads, headSize: width / heads, rotary: positions === 'rotary' ? { base: 10_000 } : null };
}

function listBlock(builder: PlanBuilder, shape: GptShape, block: Block, x: Tensor, sequence: Sequence): Tensor {
  const qkv = applyLinear(builder, block.qkv, applyNorm(builder, shape, block.norm1, x)); // [R, 3 C]
  const mixed = sequence.attend(qkv, gptHeads(shape)); // [R, C]
  const attended = addBranch(builder, sequence, x, applyLinear(builder, block.attentionOut, mixed));
  const wide = applyLinear(builder, block.widen, applyNorm(builder, shape, block.norm2, attended)); // [R, 4 C]
  const narrow = applyLinear(builder, block.narrow, builder.op(gelu, [wide])[0]);
  return addBranch(builder, sequence, attended, narrow);
}

function applyNorm(builder: PlanBuilder, { epsilon }: GptShape, { gain, bias }: Norm, x: Tensor): Tensor {
  const options = epsilon === undefined ? {} : { epsilon };
  return bias === null ? rmsNorm(builder, x, gain, options) : layerNorm(builder, x, gain, bias, options);
}

function applyLinear(builder: PlanBuilder, { weight, bias }: Linear, x: Tensor): Tensor {
  return builder.op(matmul, [x, weight, bias], { layout: 'nn' }, ['linear'])[0];
}

function declareGpt(builder: PlanBuilder, shape: GptShape): Gpt {
  const { width, context, vocabulary } = shape;
  const declare = new Declarations(builder, shape);
  return {
    tokenTable: declare.matrix('transformer.wte.weight', [vocabulary, width]),
    positionTable: shape.positions === 'learned' ? declare.matrix('transformer.wpe.weight', [context, width]) : null,
    blocks: Array.from({ length: shape.layers }, (_, i) => declare.block(`transformer.h.${i}`)),
    finalNorm: declare.norm('transformer.ln_f'),
  };
}

/** Declares parameters in Hugging Face's order, which is the order in the flat vector. Matrices decay, vectors do not. */
class Declarations {
  readonly #builder: PlanBuilder;
  readonly #shape: GptShape;

  constructor(builder: PlanBuilder, shape: GptShape) {
    this.#builder = builder;
    this.#shape = shape;
  }

  matrix(name: string, shape: readonly [number, number]): Tensor {
    return this.#builder.parameter(name, shape, { decay: true });
  }

  norm(name: string): Norm {
    const { width, norm } = this.#shape;
    const gain = this.#builder.parameter(`${name}.weight`, [width]);
    return { gain, bias: norm === 'layer' ? this.#builder.parameter(`${name}.bias`, [width]) : null };
  }

  linear(name: string, inputs: number, outputs: number): Linear {
    const weight = this.matrix(`${name}.weight`, [inputs, outputs]);
    return { weight, bias: this.#builder.parameter(`${name}.bias`, [outputs]) };
  }

  block(name: string): Block {
    const { width } = this.#shape;
    return {
      norm1: this.norm(`${name}.ln_1`),
      qkv: this.linear(`${name}.attn.c_attn`, width, 3 * width),
      attentionOut: this.linear(`${name}.attn.c_proj`, width, width),
      norm2: this.norm(`${name}.ln_2`),
      widen: this.linear(`${name}.mlp.c_fc`, width, 4 * width),
      narrow: this.linear(`${name}.mlp.c_proj`, 4 * width, width),
    };
  }
}
