// From the config.json of a Hugging Face model to a decoder's shape. What this product cannot compute exactly is refused by
// the field's name, never ignored; dropout is left out, which changes nothing but training.

import type { Rotary } from '../../../kernels/rotary/angles.ts';
import { mostHeadSize } from '../../../shared/manifest/model.ts';
import type { DecoderShape } from '../decoder.ts';
import type { GptShape } from '../gpt.ts';
import type { LlamaShape } from '../llama.ts';
import { parseJson, unusable } from './pack.ts';

export type Config = Readonly<Record<string, unknown>>;

/** @throws LoomError `data_unavailable` naming the field and what is allowed */
export function parseConfig(text: string): { config: Config; shape: DecoderShape } {
  const config = parseJson('config.json', text);
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw unusable('config.json is not an object');
  return { config: config as Config, shape: shapeOf(new Fields(config as Config)) };
}

function shapeOf(fields: Fields): DecoderShape {
  const type = fields.only('model_type', ['gpt2', 'loom_gpt', 'gpt_neox', 'llama', 'mistral', 'qwen2', 'qwen3']);
  fields.only('quantization_config', [undefined, null]);
  if (type === 'gpt_neox') return gptNeoxShape(fields);
  if (type === 'loom_gpt') return { ...gptShape(fields), ...ownVariant(fields) };
  return type === 'gpt2' ? gptShape(fields) : llamaShape(fields, type as string);
}

function gptShape(fields: Fields): GptShape {
  const width = fields.size('n_embd');
  fields.only('n_inner', [undefined, null, 4 * width]);
  fields.only('activation_function', [undefined, 'gelu_new', 'gelu_pytorch_tanh']);
  fields.only('tie_word_embeddings', [undefined, true]);
  fields.only('scale_attn_weights', [undefined, true]);
  for (const name of ['scale_attn_by_inverse_layer_idx', 'reorder_and_upcast_attn', 'add_cross_attention'])
    fields.only(name, [undefined, false]);
  const heads = fields.size('n_head');
  fields.check('n_head', width % heads === 0, 'a divisor of n_embd');
  checkHeadSize(fields, 'n_head', width / heads);
  return {
    kind: 'gpt',
    layers: fields.size('n_layer'),
    heads,
    width,
    context: fields.size('n_positions'),
    vocabulary: fields.size('vocab_size'),
    positions: 'learned',
    norm: 'layer',
    epsilon: fields.number('layer_norm_epsilon', 1e-5),
  };
}

/** What gpt-files.ts writes of a GPT that nothing in `transformers` is. */
function ownVariant(fields: Fields): Pick<GptShape, 'norm' | 'positions'> {
  return {
    norm: fields.only('norm', ['layer', 'rms']) as GptShape['norm'],
    positions: fields.only('positions', ['learned', 'rotary']) as GptShape['positions'],
  };
}

/** Of the models of this type, those that are a GPT-2 but for rotary positions: what gpt-neox.ts writes. */
function gptNeoxShape(fields: Fields): GptShape {
  const [width, heads] = [fields.size('hidden_size'), fields.size('num_attention_heads')];
  fields.only('intermediate_size', [4 * width]);
  fields.only('hidden_act', ['gelu_new', 'gelu_pytorch_tanh']);
  fields.only('rotary_pct', [1]);
  fields.only('rotary_emb_base', [undefined, 10_000]);
  fields.only('use_parallel_residual', [false]);
  fields.only('attention_bias', [undefined, true]);
  fields.only('tie_word_embeddings', [true]);
  fields.check('num_attention_heads', width % heads === 0, 'a divisor of hidden_size');
  checkHeadSize(fields, 'num_attention_heads', width / heads);
  return {
    kind: 'gpt',
    layers: fields.size('num_hidden_layers'),
    heads,
    width,
    context: fields.size('max_position_embeddings'),
    vocabulary: fields.size('vocab_size'),
    positions: 'rotary',
    norm: 'layer',
    epsilon: fields.number('layer_norm_eps', 1e-5),
  };
}

function llamaShape(fields: Fields, type: string): LlamaShape {
  const [width, heads] = [fields.size('hidden_size'), fields.size('num_attention_heads')];
  const kvHeads = fields.size('num_key_value_heads', heads);
  const headSize = fields.size('head_dim', type === 'qwen3' ? 128 : width / heads);
  fields.check('num_key_value_heads', heads % kvHeads === 0, 'a divisor of num_attention_heads');
  checkHeadSize(fields, 'head_dim', headSize);
  fields.only('hidden_act', [undefined, 'silu']);
  fields.only('attention_bias', [undefined, false]);
  fields.only('mlp_bias', [undefined, false]);
  fields.only('use_sliding_window', [undefined, false]);
  const layers = fields.size('num_hidden_layers');
  fields.only('layer_types', [undefined, null, Array.from({ length: layers }, () => 'full_attention')]);
  return {
    kind: 'llama',
    layers,
    heads,
    kvHeads,
    headSize,
    width,
    hidden: fields.size('intermediate_size'),
    context: contextOf(fields, type),
    vocabulary: fields.size('vocab_size'),
    rotary: rotaryOf(fields),
    epsilon: fields.number('rms_norm_eps', 1e-6),
    qkvBias: type === 'qwen2',
    headNorm: type === 'qwen3',
    tied: fields.only('tie_word_embeddings', [undefined, false, true]) === true,
  };
}

/** Within one sliding window (Mistral's) attention is the whole causal one: longer sequences are not trained on. */
function contextOf(fields: Fields, type: string): number {
  const context = fields.size('max_position_embeddings');
  if (type !== 'mistral' || fields.only('sliding_window', [null], 'number') === null) return context;
  return Math.min(context, fields.size('sliding_window', 4096));
}

/** The base beside the other fields and the scaling in `rope_scaling`, or both, as `transformers` 5 has them, in `rope_parameters`. */
function rotaryOf(fields: Fields): Rotary {
  const inner = fields.inner('rope_parameters');
  const base = (inner ?? fields).number('rope_theta', 10_000);
  const scaling = inner ?? fields.inner('rope_scaling');
  if (scaling === null) return { base };
  const field = scaling.has('type') ? 'type' : 'rope_type'; // `type` in older files
  const type = scaling.only(field, ['default', 'linear', 'llama3']);
  if (type === 'default') return { base };
  const factor = scaling.number('factor');
  if (type === 'linear') return { base, scaling: { type, factor } };
  return {
    base,
    scaling: {
      type: 'llama3',
      factor,
      lowFrequencyFactor: scaling.number('low_freq_factor'),
      highFrequencyFactor: scaling.number('high_freq_factor'),
      originalContext: scaling.size('original_max_position_embeddings'),
    },
  };
}

function checkHeadSize(fields: Fields, name: string, headSize: number): void {
  const fits = headSize % 2 === 0 && headSize <= mostHeadSize;
  fields.check(name, fits, `heads of an even size of at most ${mostHeadSize}`);
}

/** The fields of a JSON object, each asked for with what it may be. */
class Fields {
  readonly #values: Config;
  readonly #path: string;

  constructor(values: Config, path = 'config.json') {
    this.#values = values;
    this.#path = path;
  }

  /** A whole number of at least 1. @param fallback where the field is absent or null */
  size(name: string, fallback?: number): number {
    const value = this.#values[name] ?? fallback;
    this.check(name, Number.isSafeInteger(value) && (value as number) >= 1, 'a whole number of at least 1');
    return value as number;
  }

  /** A number above 0. @param fallback where the field is absent or null */
  number(name: string, fallback?: number): number {
    const value = this.#values[name] ?? fallback;
    this.check(name, typeof value === 'number' && value > 0, 'a number above 0');
    return value as number;
  }

  /** One of these values; undefined stands for an absent field. @param type that is accepted besides */
  only(name: string, allowed: readonly unknown[], type?: 'number'): unknown {
    const value = this.#values[name];
    const text = JSON.stringify(value);
    const fits =
      allowed.some((other) => JSON.stringify(other) === text) || (type !== undefined && typeof value === type);
    const shown = allowed.map((other) => (other === undefined ? 'none' : JSON.stringify(other)));
    this.check(name, fits || (type !== undefined && value === undefined), shown.join(', '));
    return value;
  }

  has(name: string): boolean {
    return name in this.#values;
  }

  inner(name: string): Fields | null {
    const value = this.#values[name];
    return typeof value === 'object' && value !== null ? new Fields(value as Config, `${this.#path}.${name}`) : null;
  }

  check(name: string, holds: boolean, allowed: string): void {
    if (holds) return;
    const value = this.#values[name];
    const found =
      value === undefined ? 'is missing' : `is ${JSON.stringify(value).slice(0, 80)}, which is not supported`;
    throw unusable(`${this.#path}: ${name} ${found}`, allowed);
  }
}
