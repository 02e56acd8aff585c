// GPT-2 as a plan: names, shapes and order of Hugging Face's GPT2LMHeadModel, LM head tied to the token embedding. Rotary
// positions and RMSNorm are options. B windows of T tokens are R = B * T rows; C = width, H = heads, V = vocabulary.

import { attend } from '../../kernels/attention/attention.ts';
import { gelu } from '../../kernels/elementwise/gelu.ts';
import { sum } from '../../kernels/elementwise/sum.ts';
import { embed } from '../../kernels/embedding/embedding.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import { layerNorm, rmsNorm } from '../../kernels/norm/norm.ts';
import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';
import { rotate, rotaryTable } from '../../kernels/rotary/rotary.ts';

export interface GptShape {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly positions: 'learned' | 'rotary';
  readonly norm: 'layer' | 'rms';
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
 * @param tokens u32 [B, T], T <= context
 * @returns logits [B * T, V]
 */
export function listGpt(builder: PlanBuilder, shape: GptShape, tokens: Tensor): Tensor {
  const model = declareGpt(builder, shape);
  const time = tokens.shape[1]!;
  const angles =
    shape.positions === 'rotary' ? rotaryTable(builder, { time, headSize: shape.width / shape.heads }) : null;
  let x = embed(builder, tokens, model.tokenTable, model.positionTable); // [R, C]
  for (const block of model.blocks) x = listBlock(builder, block, x, shape.heads, time, angles);
  const normed = applyNorm(builder, model.finalNorm, x);
  return builder.op(matmul, [normed, model.tokenTable], { layout: 'nt' }, ['logits'])[0]; // [R, V]
}

function listBlock(
  builder: PlanBuilder,
  block: Block,
  x: Tensor,
  heads: number,
  time: number,
  angles: Tensor | null,
): Tensor {
  let qkv = applyLinear(builder, block.qkv, applyNorm(builder, block.norm1, x)); // [R, 3 C]
  if (angles !== null) qkv = rotate(builder, qkv, angles, 2 * heads); // q and k
  const mixed = attend(builder, qkv, { time, heads }); // [R, C]
  const attended = builder.op(sum, [x, applyLinear(builder, block.attentionOut, mixed)])[0];
  const wide = applyLinear(builder, block.widen, applyNorm(builder, block.norm2, attended)); // [R, 4 C]
  const narrow = applyLinear(builder, block.narrow, builder.op(gelu, [wide])[0]);
  return builder.op(sum, [attended, narrow])[0];
}

function applyNorm(builder: PlanBuilder, { gain, bias }: Norm, x: Tensor): Tensor {
  return bias === null ? rmsNorm(builder, x, gain) : layerNorm(builder, x, gain, bias);
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
