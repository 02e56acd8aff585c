// A trained GPT as the two files that Hugging Face's `transformers` loads: model.safetensors and config.json.

import type { Plan } from '../../../kernels/plan/plan.ts';
import { gptNeoxConfig, isGptNeox, toGptNeox } from './gpt-neox.ts';
import { initialDeviation } from '../initial-parameters.ts';
import type { GptShape } from '../gpt.ts';
import { jsonFile, weightsFile } from './model-files.ts';
import type { ModelFile } from '../model.ts';
import { toNamedArrays } from './named-arrays.ts';
import type { NamedArray } from './safetensors.ts';

/**
 * Learned positions and LayerNorm make a GPT2LMHeadModel, rotary positions and LayerNorm a GPTNeoXForCausalLM. Nothing in
 * `transformers` is a GPT with biases and RMSNorm: those keep GPT-2's names under a model type of their own.
 */
export function gptFiles(shape: GptShape, plan: Plan, parameters: Float32Array): ModelFile[] {
  const { tensors, config } = describeGpt(shape, toNamedArrays(plan, parameters));
  return [weightsFile(tensors), jsonFile('config.json', config)];
}

function describeGpt(shape: GptShape, tensors: readonly NamedArray[]) {
  if (shape.norm === 'rms') {
    const own = {
      architectures: ['LoomGptLMHeadModel'],
      model_type: 'loom_gpt',
      norm: 'rms',
      positions: shape.positions,
    };
    return { tensors, config: { ...gpt2Config(shape), ...own } };
  }
  if (!isGptNeox(shape)) return { tensors, config: gpt2Config(shape) };
  return { tensors: toGptNeox(tensors, shape.heads), config: gptNeoxConfig(shape) };
}

function gpt2Config(shape: GptShape): Record<string, unknown> {
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
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
}
