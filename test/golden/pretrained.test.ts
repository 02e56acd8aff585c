// Model folders as people have them: shards, half precision, older names; and every way in which one is refused.

import { expect, test } from 'vitest';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import { utf8 } from '../../shared/bytes.ts';
import { modelSchema } from '../../shared/manifest/model.ts';
import type { PretrainedSettings } from '../../shared/manifest/model.ts';
import { listDecoder } from '../../client/models/decoder.ts';
import { openModel } from '../../client/models/open-model.ts';
import { packFolder } from '../../client/models/files/pack.ts';
import type { ReadFile } from '../../client/models/files/pack.ts';
import { checkPretrained } from '../../client/models/pretrained.ts';
import { readStored, writeStored } from '../../client/models/files/safetensors.ts';
import type { StoredArray } from '../../client/models/files/safetensors.ts';
import { windows } from '../../client/models/sequence.ts';
import { folderOf } from './folder.ts';
import type { ModelName } from './folder.ts';

const settings = modelSchema.parse({ from: 'file:here', context: 16 }) as PretrainedSettings;

async function parametersOf(read: ReadFile): Promise<Float32Array> {
  const model = openModel(settings, await packFolder(read));
  const builder = new PlanBuilder();
  listDecoder(builder, model.shape, windows(builder, builder.input('tokens', [1, 2], 'u32')));
  return model.initialParameters(builder.finish(), 0);
}

async function storedArrays(name: ModelName): Promise<readonly StoredArray[]> {
  return readStored((await folderOf(name)('model.safetensors'))!).tensors;
}

const fileOf = (tensors: readonly StoredArray[]): Uint8Array => writeStored({ tensors, metadata: {} });

test('shards give the same parameters as one file', async () => {
  const tensors = await storedArrays('llama');
  const shards = [tensors.slice(0, 7), tensors.slice(7)];
  const files = shards.map((_, i) => `model-0000${i + 1}-of-00002.safetensors`);
  const places = shards.flatMap((shard, i) => shard.map(({ name }) => [name, files[i]] as const));
  const index = JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(places) });
  const sharded = {
    'model.safetensors': null,
    'model.safetensors.index.json': utf8(index),
    ...Object.fromEntries(shards.map((shard, i) => [files[i], fileOf(shard)])),
  };
  expect(await parametersOf(folderOf('llama', sharded))).toEqual(await parametersOf(folderOf('llama')));
  const missing = packFolder(folderOf('llama', { ...sharded, [files[1]!]: null }));
  await expect(missing).rejects.toThrow(/no model-00002-of-00002\.safetensors, which .*index\.json names/);
});

test('GPT-2 as its first files have it: no prefix, masks among the weights', async () => {
  const tensors = await storedArrays('gpt2');
  const old = tensors.map((array) => ({ ...array, name: array.name.replace('transformer.', '') }));
  const mask: StoredArray = { name: 'h.0.attn.bias', dtype: 'U8', shape: [1, 1, 4, 4], bytes: new Uint8Array(16) };
  const folder = folderOf('gpt2', { 'model.safetensors': fileOf([...old, mask]) });
  expect(await parametersOf(folder)).toEqual(await parametersOf(folderOf('gpt2')));
});

test('weights in bfloat16 and float16 are read to the bit', async () => {
  const values: Record<string, readonly [bits: number, value: number][]> = {
    BF16: [
      [0x3f80, 1],
      [0xc049, -3.140625],
      [0x0001, 2 ** -133],
    ],
    F16: [
      [0x3c00, 1],
      [0xc248, -3.140625],
      [0x0001, 2 ** -24],
      [0x8000, -0],
    ],
  };
  const tensors = await storedArrays('gpt2');
  for (const [dtype, pairs] of Object.entries(values)) {
    const halves = tensors.map((array): StoredArray => {
      const bits = new Uint16Array(array.bytes.length / 4).map((_, i) => pairs[i % pairs.length]![0]);
      return { ...array, dtype: dtype as 'BF16' | 'F16', bytes: new Uint8Array(bits.buffer) };
    });
    const parameters = await parametersOf(folderOf('gpt2', { 'model.safetensors': fileOf(halves) }));
    for (const [i, [, value]] of pairs.entries()) expect(Object.is(parameters[i], value)).toBe(true);
  }
});

async function configWith(name: ModelName, changes: object): Promise<Uint8Array> {
  const text = new TextDecoder().decode((await folderOf(name)('config.json'))!);
  return utf8(JSON.stringify({ ...(JSON.parse(text) as object), ...changes }));
}

const refused = (message: RegExp, allowed?: RegExp) =>
  expect.objectContaining({
    code: 'data_unavailable',
    where: 'spec.model.from',
    message: expect.stringMatching(message),
    ...(allowed && { allowed: expect.stringMatching(allowed) }),
  });

test.each<[ModelName, object, RegExp, RegExp?]>([
  ['llama', { model_type: 'gemma' }, /model_type is "gemma"/, /"gpt2", .*"llama", "mistral", "qwen2", "qwen3"/],
  ['llama', { model_type: undefined }, /model_type is missing/, /"gpt2"/],
  ['llama', { rope_parameters: null, rope_scaling: { type: 'yarn' } }, /rope_scaling: type is "yarn"/, /"llama3"/],
  ['llama', { rope_parameters: { rope_type: 'linear' } }, /rope_parameters: factor is missing/, /above 0/],
  ['llama', { rope_parameters: { rope_type: 'yarn' } }, /rope_parameters: rope_type is "yarn"/, /"default"/],
  ['llama', { hidden_act: 'gelu' }, /hidden_act is "gelu"/, /"silu"/],
  ['llama', { attention_bias: true }, /attention_bias is true/, /false/],
  ['llama', { num_key_value_heads: 3 }, /num_key_value_heads is 3/, /a divisor of num_attention_heads/],
  ['llama', { head_dim: 256 }, /head_dim is 256/, /at most 128/],
  ['llama', { hidden_size: 'wide' }, /hidden_size is "wide"/, /a whole number/],
  ['llama', { vocab_size: 280 }, /tokenizer\.json has ids up to 287/, /below vocab_size, 280/],
  ['llama', { vocab_size: 300 }, /its weights: model\.embed_tokens\.weight is \[288, 16\]/, /\[300, 16\]/],
  ['llama', { num_hidden_layers: 3 }, /its weights: model\.layers\.2\..* is missing/],
  ['llama', { num_hidden_layers: 1 }, /its weights: model\.layers\.1\..* is no parameter of this model/],
  ['llama', { max_position_embeddings: 8 }, /context of 16 tokens/, /at most 8/],
  ['llama', { quantization_config: { bits: 4 } }, /quantization_config is/, /none/],
  ['qwen3', { attention_bias: true }, /attention_bias is true/, /false/],
  ['qwen2', { use_sliding_window: true }, /use_sliding_window is true/, /false/],
  ['gpt2', { activation_function: 'relu' }, /activation_function is "relu"/, /"gelu_new"/],
  ['gpt2', { n_inner: 48 }, /n_inner is 48/, /64/],
  ['gpt2', { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx is true/, /false/],
])('%s with %j is refused', async (name, changes, message, allowed) => {
  const packed = await packFolder(folderOf(name, { 'config.json': await configWith(name, changes) }));
  expect(() => checkPretrained(settings, packed)).toThrow(refused(message, allowed));
});

test('a sliding window bounds the context instead', async () => {
  const config = await configWith('llama', { model_type: 'mistral', sliding_window: 8 });
  const packed = await packFolder(folderOf('llama', { 'config.json': config }));
  expect(openModel({ ...settings, context: 8 }, packed).shape.context).toBe(8);
  expect(() => openModel(settings, packed)).toThrow(refused(/context of 16 tokens/, /at most 8/));
});

test.each<[string, Readonly<Record<string, Uint8Array | null>>, RegExp]>([
  ['no config.json', { 'config.json': null }, /the folder has no config\.json/],
  ['no tokenizer.json', { 'tokenizer.json': null }, /the folder has no tokenizer\.json/],
  ['no weights', { 'model.safetensors': null }, /the folder has no model\.safetensors/],
  ['a broken config', { 'config.json': utf8('{"model_type":') }, /config\.json is not JSON/],
  ['a config of another kind', { 'config.json': utf8('[]') }, /config\.json is not an object/],
  ['a broken tokenizer', { 'tokenizer.json': utf8('{"model":{"type":"Magic"}}') }, /tokenizer\.json is not supported/],
  ['cut weights', { 'model.safetensors': new Uint8Array(20) }, /model\.safetensors: /],
])('a folder with %s is refused', async (_, changes, message) => {
  const opened = packFolder(folderOf('gpt2', changes)).then((packed) => checkPretrained(settings, packed));
  await expect(opened).rejects.toThrow(
    expect.objectContaining({ code: 'data_unavailable', message: expect.stringMatching(message) }),
  );
});

test('weights that are not finite, or of a dtype that no weights have, are refused', async () => {
  const tensors = await storedArrays('gpt2');
  const first = tensors[0]!;
  const others = tensors.slice(1);
  const changed: [StoredArray, RegExp][] = [
    [{ ...first, bytes: first.bytes.map(() => 0xff) }, /attn\.c_attn\.bias is not finite/],
    [{ ...first, dtype: 'I32' }, /attn\.c_attn\.bias is I32/],
  ];
  for (const [array, message] of changed) {
    const packed = await packFolder(folderOf('gpt2', { 'model.safetensors': fileOf([array, ...others]) }));
    expect(() => checkPretrained(settings, packed)).toThrow(refused(message));
  }
});
