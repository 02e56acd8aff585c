// A GPT with rotary positions as Hugging Face's GPTNeoXForCausalLM holds it: the same mathematics, other names, linear
// weights [out, in], and the rows of the fused q, k and v ordered head by head.

import { initialDeviation } from './initial-parameters.ts';
import type { GptShape } from './gpt.ts';
import type { NamedArray } from './safetensors.ts';

const names: readonly (readonly [ours: RegExp, theirs: string])[] = [
  [/^transformer\.wte\./, 'gpt_neox.embed_in.'],
  [/^transformer\.ln_f\./, 'gpt_neox.final_layer_norm.'],
  [/^transformer\.h\.(\d+)\.ln_1\./, 'gpt_neox.layers.$1.input_layernorm.'],
  [/^transformer\.h\.(\d+)\.ln_2\./, 'gpt_neox.layers.$1.post_attention_layernorm.'],
  [/^transformer\.h\.(\d+)\.attn\.c_attn\./, 'gpt_neox.layers.$1.attention.query_key_value.'],
  [/^transformer\.h\.(\d+)\.attn\.c_proj\./, 'gpt_neox.layers.$1.attention.dense.'],
  [/^transformer\.h\.(\d+)\.mlp\.c_fc\./, 'gpt_neox.layers.$1.mlp.dense_h_to_4h.'],
  [/^transformer\.h\.(\d+)\.mlp\.c_proj\./, 'gpt_neox.layers.$1.mlp.dense_4h_to_h.'],
];

/** The model's arrays under GPT-NeoX's names and in its layout. */
export function toGptNeox(arrays: readonly NamedArray[], heads: number): NamedArray[] {
  return arrays.map((array) => {
    const [ours, theirs] = names.find(([pattern]) => pattern.test(array.name))!;
    const isLinear = array.shape.length === 2 && !array.name.endsWith('.wte.weight');
    const rows = isLinear ? transpose(array) : array;
    return {
      ...(array.name.includes('.c_attn.') ? byHead(rows, heads) : rows),
      name: array.name.replace(ours, theirs),
    };
  });
}

export function gptNeoxConfig(shape: GptShape): Record<string, unknown> {
  return {
    architectures: ['GPTNeoXForCausalLM'],
    model_type: 'gpt_neox',
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.context,
    hidden_size: shape.width,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    intermediate_size: 4 * shape.width,
    hidden_act: 'gelu_new',
    layer_norm_eps: 1e-5,
    rotary_pct: 1,
    rotary_emb_base: 10000,
    use_parallel_residual: false,
    attention_bias: true,
    attention_dropout: 0,
    hidden_dropout: 0,
    initializer_range: initialDeviation(shape.width),
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float32',
  };
}

/** [in, out] -> [out, in] */
function transpose({ name, shape, data }: NamedArray): NamedArray {
  const [inputs, outputs] = shape as [number, number];
  const turned = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) turned[o * inputs + i] = data[i * outputs + o]!;
  return { name, shape: [outputs, inputs], data: turned };
}

/** Rows [q k v][head][D] -> [head][q k v][D]; a row is one element of a bias. */
function byHead(array: NamedArray, heads: number): NamedArray {
  const block = array.data.length / (3 * heads); // D rows of one head's q, k or v
  const ordered = new Float32Array(array.data.length);
  for (let head = 0; head < heads; head++) {
    for (let part = 0; part < 3; part++) {
      const from = (part * heads + head) * block;
      ordered.set(array.data.subarray(from, from + block), (3 * head + part) * block);
    }
  }
  return { ...array, data: ordered };
}
