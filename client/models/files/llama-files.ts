// Llama's parameters between the plan, where q, k and v are one matrix and gate and up another, and Hugging Face's files,
// which hold each by itself. Matrices are [out, in], so that a part is a run of rows.

import { initialDeviation } from '../initial-parameters.ts';
import type { LlamaShape } from '../llama.ts';
import type { NamedArray } from './safetensors.ts';

interface Part {
  readonly name: string; // in place of the fused one
  readonly rows: number;
}

/** The arrays as Hugging Face names them: fused ones in their parts, in order. */
export function toLlamaArrays(shape: LlamaShape, arrays: readonly NamedArray[]): NamedArray[] {
  return arrays.flatMap((array) => split(array, partsOf(shape, array.name)));
}

/**
 * The arrays as the plan names them; what has no place in the plan keeps its name.
 * @param names of the plan's parameters
 */
export function fromLlamaArrays(
  shape: LlamaShape,
  names: readonly string[],
  arrays: readonly NamedArray[],
): NamedArray[] {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  const joined = names.flatMap((name) => {
    const parts = partsOf(shape, name);
    const found = parts.map((part) => byName.get(name.replace(fused, part.name)));
    if (parts.length === 0 || !found.every((part) => part !== undefined)) return [];
    for (const { name: part } of found) byName.delete(part);
    return [join(name, found)];
  });
  return [...joined, ...byName.values()];
}

const fused = /qkv_proj|gate_up_proj/;

function partsOf(shape: LlamaShape, name: string): readonly Part[] {
  const { heads, kvHeads, headSize, hidden } = shape;
  const [which] = fused.exec(name) ?? [];
  if (which === 'qkv_proj')
    return [
      { name: 'q_proj', rows: heads * headSize },
      { name: 'k_proj', rows: kvHeads * headSize },
      { name: 'v_proj', rows: kvHeads * headSize },
    ];
  if (which === 'gate_up_proj') return ['gate_proj', 'up_proj'].map((part) => ({ name: part, rows: hidden }));
  return [];
}

function split(array: NamedArray, parts: readonly Part[]): NamedArray[] {
  if (parts.length === 0) return [array];
  const [, ...rest] = array.shape;
  const rowLength = array.data.length / array.shape[0]!;
  let row = 0;
  return parts.map((part) => {
    const data = array.data.subarray(row * rowLength, (row + part.rows) * rowLength);
    row += part.rows;
    return { name: array.name.replace(fused, part.name), shape: [part.rows, ...rest], data };
  });
}

function join(name: string, parts: readonly NamedArray[]): NamedArray {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const [, ...rest] = parts[0]!.shape;
  return { name, shape: [parts.reduce((sum, part) => sum + part.shape[0]!, 0), ...rest], data };
}

/** The config.json of a model that began with random weights. */
export function llamaConfig(shape: LlamaShape): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.context,
    hidden_size: shape.width,
    intermediate_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headSize,
    hidden_act: 'silu',
    rms_norm_eps: shape.epsilon,
    rope_theta: shape.rotary.base,
    rope_scaling: null,
    attention_bias: shape.qkvBias,
    attention_dropout: 0,
    mlp_bias: false,
    initializer_range: initialDeviation(shape.width),
    tie_word_embeddings: shape.tied,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float32',
  };
}
