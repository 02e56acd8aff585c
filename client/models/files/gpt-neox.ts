// A GPT with rotary positions as Hugging Face's GPTNeoXForCausalLM holds it: the same mathematics, other names, linear
// weights [out, in], and the rows of the fused q, k and v ordered head by head.

import { initialDeviation } from '../initial-parameters.ts';
import type { GptShape } from '../gpt.ts';
import type { NamedArray } from './safetensors.ts';

/** Where names begin, `#` being the number of a layer. */
const names: readonly (readonly [ours: string, theirs: string])[] = [
  ['transformer.wte.', 'gpt_neox.embed_in.'],
  ['transformer.ln_f.', 'gpt_neox.final_layer_norm.'],
  ['transformer.h.#.ln_1.', 'gpt_neox.layers.#.input_layernorm.'],
  ['transformer.h.#.ln_2.', 'gpt_neox.layers.#.post_attention_layernorm.'],
  ['transformer.h.#.attn.c_attn.', 'gpt_neox.layers.#.attention.query_key_value.'],
  ['transformer.h.#.attn.c_proj.', 'gpt_neox.layers.#.attention.dense.'],
  ['transformer.h.#.mlp.c_fc.', 'gpt_neox.layers.#.mlp.dense_h_to_4h.'],
  ['transformer.h.#.mlp.c_proj.', 'gpt_neox.layers.#.mlp.dense_4h_to_h.'],
];
const toTheirs = new Map(names);
const toOurs = new Map(names.map(([ours, theirs]) => [theirs, ours]));

/** Which GPTs are held as a GPT-NeoX. */
export function isGptNeox({ positions, norm }: Pick<GptShape, 'positions' | 'norm'>): boolean {
  return positions === 'rotary' && norm === 'layer';
}

/** The model's arrays under GPT-NeoX's names and in its layout. */
export function toGptNeox(arrays: readonly NamedArray[], heads: number): NamedArray[] {
  return arrays.map((array) => {
    const rows = isLinear(array) ? transpose(array) : array;
    const ordered = array.name.includes('.c_attn.') ? reorder(rows, 3, heads) : rows;
    return { ...ordered, name: rename(array.name, toTheirs) };
  });
}

/** As `toGptNeox`, backwards. Arrays that it does not make keep their names. */
export function fromGptNeox(arrays: readonly NamedArray[], heads: number): NamedArray[] {
  return arrays.map((array) => {
    const ordered = array.name.includes('.query_key_value.') ? reorder(array, heads, 3) : array;
    const rows = isLinear(array) ? transpose(ordered) : ordered;
    return { ...rows, name: rename(array.name, toOurs) };
  });
}

function isLinear({ name, shape }: NamedArray): boolean {
  return shape.length === 2 && !/\.(wte|embed_in)\.weight$/.test(name);
}

function rename(name: string, table: ReadonlyMap<string, string>): string {
  const [, layer = ''] = /\.(\d+)\./.exec(name) ?? [];
  const start = name.replace(/\.\d+\./, '.#.').replace(/[^.]+$/, '');
  const found = table.get(start);
  return found === undefined ? name : found.replace('#', layer) + name.slice(name.lastIndexOf('.') + 1);
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

/** Rows [outer][inner][D] -> [inner][outer][D], such as q, k and v of all heads -> q, k and v head by head. A bias has rows of one. */
function reorder(array: NamedArray, outer: number, inner: number): NamedArray {
  const block = array.data.length / (outer * inner);
  const ordered = new Float32Array(array.data.length);
  for (let i = 0; i < inner; i++) {
    for (let o = 0; o < outer; o++) {
      const from = (o * inner + i) * block;
      ordered.set(array.data.subarray(from, from + block), (i * outer + o) * block);
    }
  }
  return { ...array, data: ordered };
}
