// A model that begins with weights of its owner's: a packed folder, listed as its config.json says, trained, and left as the
// same folder with other numbers.

import { PlanBuilder } from '../../kernels/plan/builder.ts';
import { utf8 } from '../../shared/bytes.ts';
import type { PretrainedSettings } from '../../shared/manifest/model.ts';
import { parseConfig } from './files/config.ts';
import type { Config } from './files/config.ts';
import { listDecoder } from './decoder.ts';
import type { DecoderShape } from './decoder.ts';
import { openJsonTokenizer } from './tokens/json-tokenizer.ts';
import { fromGptNeox, isGptNeox, toGptNeox } from './files/gpt-neox.ts';
import { fromLlamaArrays, toLlamaArrays } from './files/llama-files.ts';
import { jsonFile, weightsFile } from './files/model-files.ts';
import type { Model } from './model.ts';
import { fromNamedArrays, toNamedArrays } from './files/named-arrays.ts';
import { inFile, unpackFolder, unusable } from './files/pack.ts';
import { toFloat32 } from './files/safetensors.ts';
import type { NamedArray, StoredArray } from './files/safetensors.ts';
import { windows } from './sequence.ts';

/** @throws LoomError `data_unavailable` at spec.model that says what is wrong with the folder, or with the window */
export function openPretrained({ context: window }: PretrainedSettings, packed: Uint8Array): Model {
  const { texts, tensors } = unpackFolder(packed);
  const { config, shape } = parseConfig(texts.get('config.json')!);
  const tokenizer = openJsonTokenizer(texts.get('tokenizer.json')!, texts.get('tokenizer_config.json') ?? null);
  if (tokenizer.vocabulary > shape.vocabulary)
    throw unusable(
      `tokenizer.json has ids up to ${tokenizer.vocabulary - 1}`,
      `ids below vocab_size, ${shape.vocabulary}`,
    );
  if (window > shape.context)
    throw unusable(`a context of ${window} tokens is more than the model has`, `at most ${shape.context}`);
  return {
    shape,
    window,
    tokenizer,
    initialParameters: (plan) => {
      const names = plan.parameters.map(({ name }) => name);
      return inFile('its weights', () => fromNamedArrays(plan, toPlan(shape, names, tensors)));
    },
    files: (plan, parameters) => [
      weightsFile(toFile(shape, toNamedArrays(plan, parameters))),
      jsonFile('config.json', inFloat32(config)),
      ...[...texts].filter(([name]) => name !== 'config.json').map(([name, text]) => ({ name, bytes: utf8(text) })),
    ],
  };
}

/**
 * Reads a packed folder whole, as a job would.
 * @throws LoomError `data_unavailable` for what a job could not begin with
 */
export function checkPretrained(settings: PretrainedSettings, packed: Uint8Array): void {
  const model = openPretrained(settings, packed);
  const builder = new PlanBuilder();
  listDecoder(builder, model.shape, windows(builder, builder.input('tokens', [1, 2], 'u32')));
  model.initialParameters(builder.finish(), 0);
}

/** The stored arrays as the plan names them, without the constants that older files hold as well. */
function toPlan(shape: DecoderShape, names: readonly string[], tensors: readonly StoredArray[]): NamedArray[] {
  const prefix = prefixOf(shape);
  const isBare = !tensors.some(({ name }) => name.startsWith(prefix)); // of the model without its LM head
  const arrays = tensors
    .filter(({ name }) => !isConstant(shape, name))
    .map((tensor) => ({
      ...toFloat32(tensor),
      name: isBare && tensor.name !== head ? prefix + tensor.name : tensor.name,
    }));
  if (shape.kind === 'llama') return fromLlamaArrays(shape, names, arrays);
  return isGptNeox(shape) ? fromGptNeox(arrays, shape.heads) : arrays;
}

/** What the names of all but the LM head begin with. */
function prefixOf(shape: DecoderShape): string {
  if (shape.kind === 'llama') return 'model.';
  return isGptNeox(shape) ? 'gpt_neox.' : 'transformer.';
}

const head = 'lm_head.weight';

function isConstant(shape: DecoderShape, name: string): boolean {
  if (shape.kind === 'gpt')
    return (
      name === head ||
      /^embed_out\.|\.attn\.(masked_)?bias$|\.attention\.(masked_bias|bias|rotary_emb\.inv_freq)$/.test(name)
    );
  return (shape.tied && name === head) || name.endsWith('rotary_emb.inv_freq');
}

function toFile(shape: DecoderShape, arrays: readonly NamedArray[]): readonly NamedArray[] {
  if (shape.kind === 'llama') return toLlamaArrays(shape, arrays);
  return isGptNeox(shape) ? toGptNeox(arrays, shape.heads) : arrays;
}

/** Trained parameters are float32, whatever the folder held. */
function inFloat32({ torch_dtype: _, ...config }: Config): object {
  return 'dtype' in config ? { ...config, dtype: 'float32' } : { ...config, torch_dtype: 'float32' };
}
