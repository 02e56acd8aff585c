// Any decoder that this product trains: what its shape is, and its plan.

import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';
import type { AdapterSettings } from '../../shared/manifest/adapter.ts';
import { AdaptedBuilder } from './lora/adapted-builder.ts';
import { listGpt } from './gpt.ts';
import type { GptShape } from './gpt.ts';
import { listLlama } from './llama.ts';
import type { LlamaShape } from './llama.ts';
import type { Sequence } from './sequence.ts';

/** @property adapter the model is frozen, and adapters are its parameters */
export type DecoderShape = (GptShape | LlamaShape) & { readonly adapter?: AdapterSettings };

/**
 * Lists the model's parameters and its forward pass.
 * @param sequence `windows` of u32 tokens [B, T] with T <= context, or another way to see R positions
 * @returns logits [R, V], or what the sequence's `head` makes
 */
export function listDecoder(builder: PlanBuilder, shape: DecoderShape, sequence: Sequence): Tensor {
  const target = shape.adapter ? new AdaptedBuilder(builder, shape.adapter) : builder;
  return shape.kind === 'gpt' ? listGpt(target, shape, sequence) : listLlama(target, shape, sequence);
}
