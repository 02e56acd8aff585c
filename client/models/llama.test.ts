import { expect, test } from 'vitest';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import { modelSchema } from '../../shared/manifest/model.ts';
import { fromLlamaArrays, toLlamaArrays } from './files/llama-files.ts';
import { listLlama } from './llama.ts';
import type { LlamaShape } from './llama.ts';
import { openModel } from './open-model.ts';
import { toNamedArrays } from './files/named-arrays.ts';
import { readSafetensors } from './files/safetensors.ts';
import { windows } from './sequence.ts';

const shape: LlamaShape = {
  kind: 'llama',
  layers: 1,
  heads: 4,
  kvHeads: 2,
  headSize: 4,
  width: 8,
  hidden: 12,
  context: 16,
  vocabulary: 256,
  rotary: { base: 10_000 },
  epsilon: 1e-6,
  qkvBias: false,
  tied: true,
};

function planOf(variant: Partial<LlamaShape>) {
  const builder = new PlanBuilder();
  listLlama(builder, { ...shape, ...variant }, windows(builder, builder.input('tokens', [1, 16], 'u32')));
  return builder.finish();
}

const described = (arrays: readonly { name: string; shape: readonly number[] }[]) =>
  arrays.map(({ name, shape }) => `${name} ${shape.join()}`);

test('parameters: Hugging Face’s names, q, k and v in one matrix, gate and up in another; only matrices decay', () => {
  const { parameters } = planOf({});
  expect(described(parameters)).toEqual([
    'model.embed_tokens.weight 256,8',
    'model.layers.0.input_layernorm.weight 8',
    'model.layers.0.self_attn.qkv_proj.weight 32,8',
    'model.layers.0.self_attn.o_proj.weight 8,16',
    'model.layers.0.post_attention_layernorm.weight 8',
    'model.layers.0.mlp.gate_up_proj.weight 24,8',
    'model.layers.0.mlp.down_proj.weight 8,12',
    'model.norm.weight 8',
  ]);
  expect(parameters.every(({ decay, shape }) => decay === (shape.length === 2))).toBe(true);
  const names = planOf({ qkvBias: true, tied: false }).parameters.map(({ name }) => name);
  expect(names).toContain('model.layers.0.self_attn.qkv_proj.bias');
  expect(names.at(-1)).toBe('lm_head.weight');
});

test('in files each matrix is by itself, its rows those of the fused one in order; and back', () => {
  const variant = { ...shape, qkvBias: true };
  const plan = planOf(variant);
  const flat = Float32Array.from({ length: plan.parameterCount }, (_, i) => i);
  const arrays = toNamedArrays(plan, flat);
  const files = toLlamaArrays(variant, arrays);
  expect(described(files).filter((line) => line.includes('self_attn') || line.includes('mlp'))).toEqual([
    'model.layers.0.self_attn.q_proj.weight 16,8',
    'model.layers.0.self_attn.k_proj.weight 8,8',
    'model.layers.0.self_attn.v_proj.weight 8,8',
    'model.layers.0.self_attn.q_proj.bias 16',
    'model.layers.0.self_attn.k_proj.bias 8',
    'model.layers.0.self_attn.v_proj.bias 8',
    'model.layers.0.self_attn.o_proj.weight 8,16',
    'model.layers.0.mlp.gate_proj.weight 12,8',
    'model.layers.0.mlp.up_proj.weight 12,8',
    'model.layers.0.mlp.down_proj.weight 8,12',
  ]);
  const fused = arrays.find(({ name }) => name.endsWith('qkv_proj.weight'))!;
  const key = files.find(({ name }) => name.endsWith('k_proj.weight'))!;
  expect([...key.data]).toEqual([...fused.data.subarray(16 * 8, 24 * 8)]);
  const names = plan.parameters.map(({ name }) => name);
  const back = fromLlamaArrays(variant, names, files.toReversed());
  expect(back.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))).toEqual(arrays);
});

test('a random Llama: sizes that follow from the manifest’s, a config that names them all', () => {
  const model = openModel(modelSchema.parse({ kind: 'llama', width: 64, heads: 4, kvHeads: 2, layers: 1 }), null);
  expect(model.shape).toMatchObject({ kvHeads: 2, headSize: 16, hidden: 176, tied: true });
  const builder = new PlanBuilder();
  listLlama(builder, model.shape as LlamaShape, windows(builder, builder.input('tokens', [1, 4], 'u32')));
  const plan = builder.finish();
  const parameters = model.initialParameters(plan, 1);
  expect(model.initialParameters(plan, 1)).toEqual(parameters);
  const [weights, config, tokenizer] = model.files(plan, parameters);
  expect(JSON.parse(new TextDecoder().decode(config!.bytes))).toMatchObject({
    model_type: 'llama',
    num_key_value_heads: 2,
    intermediate_size: 176,
    tie_word_embeddings: true,
  });
  expect(tokenizer!.name).toBe('tokenizer.json');
  const arrays = new Map(readSafetensors(weights!.bytes).tensors.map((array) => [array.name, array]));
  expect(arrays.get('model.norm.weight')!.data.every((value) => value === 1)).toBe(true);
  expect(arrays.get('model.layers.0.mlp.up_proj.weight')!.shape).toEqual([176, 64]);
});
