// config.json of a trained GPT: what Hugging Face's `transformers` reads beside model.safetensors.

import { initialDeviation } from './gpt-parameters.ts';
import type { GptShape } from './gpt.ts';

/**
 * With learned positions and LayerNorm the model is a GPT2LMHeadModel. The other variants keep GPT-2's names and fields but
 * are no GPT-2, so they get a model type of their own rather than one that loads them wrongly.
 */
export function gptConfigJson(shape: GptShape): string {
  const isGpt2 = shape.positions === 'learned' && shape.norm === 'layer';
  const config = {
    architectures: [isGpt2 ? 'GPT2LMHeadModel' : 'LoomGptLMHeadModel'],
    model_type: isGpt2 ? 'gpt2' : 'loom_gpt',
    ...(!isGpt2 && { position_embedding: shape.positions, norm: shape.norm, rope_theta: 10000 }),
    vocab_size: shape.vocabulary,
    n_positions: shape.context,
    n_embd: shape.width,
    n_layer: shape.layers,
    n_head: shape.heads,
    n_inner: 4 * shape.width,
    activation_function: 'gelu_new',
    layer_norm_epsilon: shape.norm === 'layer' ? 1e-5 : 1e-6,
    resid_pdrop: 0,
    embd_pdrop: 0,
    attn_pdrop: 0,
    initializer_range: initialDeviation(shape.width),
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float32',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
