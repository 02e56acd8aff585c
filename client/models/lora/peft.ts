// An adapter by itself, as Hugging Face's PEFT reads it: adapter_model.safetensors and adapter_config.json.

import type { AdapterSettings } from '../../../shared/manifest/adapter.ts';
import type { DecoderShape } from '../decoder.ts';
import { toLlamaArrays } from '../files/llama-files.ts';
import { jsonFile } from '../files/model-files.ts';
import type { ModelFile } from '../model.ts';
import { writeSafetensors } from '../files/safetensors.ts';
import type { NamedArray } from '../files/safetensors.ts';
import type { AdaptedLayer } from './adapted-builder.ts';

const prefix = 'base_model.model.';

/**
 * @param arrays the adapter's parameters
 * @returns nothing for a GPT with rotary positions, whose modules have other names in its file; its merged model is whole
 */
export function adapterFiles(
  shape: DecoderShape,
  { rank, alpha }: AdapterSettings,
  layers: readonly AdaptedLayer[],
  arrays: readonly NamedArray[],
): ModelFile[] {
  if (shape.kind === 'gpt' && shape.positions === 'rotary') return [];
  const tensors = shape.kind === 'llama' ? arrays.flatMap((array) => splitFused(shape, array)) : arrays;
  const modules = tensors.map(({ name }) =>
    name
      .replace(/\.lora_[AB]\.weight$/, '')
      .split('.')
      .at(-1)!,
  );
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: null,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: [...new Set(modules)],
    fan_in_fan_out: layers.some(({ layout }) => layout === 'nn'), // GPT-2's weights are [in, out]
    bias: 'none',
    init_lora_weights: true,
    inference_mode: true,
    modules_to_save: null,
    use_rslora: false,
  };
  const named = tensors.map((array) => ({ ...array, name: prefix + array.name }));
  return [
    { name: 'adapter_model.safetensors', bytes: writeSafetensors({ tensors: named, metadata: { format: 'pt' } }) },
    jsonFile('adapter_config.json', config),
  ];
}

/** Where q, k and v are one matrix here, PEFT has a layer each: with the rows of B that are its own, and the same A. */
function splitFused(shape: Extract<DecoderShape, { kind: 'llama' }>, array: NamedArray): NamedArray[] {
  if (!array.name.endsWith('.lora_A.weight')) return toLlamaArrays(shape, [array]);
  const names = ['q_proj', 'k_proj', 'v_proj'];
  if (array.name.includes('qkv_proj')) return names.map((name) => rename(array, 'qkv_proj', name));
  return array.name.includes('gate_up_proj')
    ? ['gate_proj', 'up_proj'].map((name) => rename(array, 'gate_up_proj', name))
    : [array];
}

function rename(array: NamedArray, from: string, to: string): NamedArray {
  return { ...array, name: array.name.replace(from, to) };
}
