import { expect, test } from 'vitest';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import { gptFiles } from './gpt-files.ts';
import { listGpt } from '../gpt.ts';
import { windows } from '../sequence.ts';
import type { GptShape } from '../gpt.ts';
import { readSafetensors } from './safetensors.ts';

const shape: GptShape = {
  kind: 'gpt',
  layers: 1,
  heads: 2,
  width: 8,
  context: 16,
  vocabulary: 256,
  positions: 'learned',
  norm: 'layer',
};

/** Files of a model whose every parameter holds 0, 1, 2, … */
function filesOf(variant: Partial<GptShape>) {
  const builder = new PlanBuilder();
  listGpt(builder, { ...shape, ...variant }, windows(builder, builder.input('tokens', [1, 16], 'u32')));
  const plan = builder.finish();
  const flat = new Float32Array(plan.parameterCount);
  for (const { offset, elements } of plan.parameters) for (let i = 0; i < elements; i++) flat[offset + i] = i;
  const [model, config] = gptFiles({ ...shape, ...variant }, plan, flat);
  const { tensors, metadata } = readSafetensors(model!.bytes);
  const arrays = Object.fromEntries(tensors.map((array) => [array.name, array]));
  return { arrays, metadata, config: JSON.parse(new TextDecoder().decode(config!.bytes)) as Record<string, unknown> };
}

test('learned positions and LayerNorm: a GPT-2', () => {
  const { arrays, metadata, config } = filesOf({});
  expect(config).toMatchObject({
    model_type: 'gpt2',
    n_embd: 8,
    n_layer: 1,
    n_head: 2,
    n_positions: 16,
    vocab_size: 256,
  });
  expect(metadata).toEqual({ format: 'pt' });
  expect(arrays['transformer.h.0.attn.c_attn.weight']).toMatchObject({ shape: [8, 24] });
  expect(Object.keys(arrays).length).toBe(16);
});

test('rotary positions and LayerNorm: a GPT-NeoX, weights [out, in], q, k and v head by head', () => {
  const { arrays, config } = filesOf({ positions: 'rotary' });
  expect(config).toMatchObject({ model_type: 'gpt_neox', rotary_pct: 1, use_parallel_residual: false, hidden_size: 8 });
  expect(Object.keys(arrays)).toEqual([
    'gpt_neox.embed_in.weight',
    'gpt_neox.layers.0.input_layernorm.weight',
    'gpt_neox.layers.0.input_layernorm.bias',
    'gpt_neox.layers.0.attention.query_key_value.weight',
    'gpt_neox.layers.0.attention.query_key_value.bias',
    'gpt_neox.layers.0.attention.dense.weight',
    'gpt_neox.layers.0.attention.dense.bias',
    'gpt_neox.layers.0.post_attention_layernorm.weight',
    'gpt_neox.layers.0.post_attention_layernorm.bias',
    'gpt_neox.layers.0.mlp.dense_h_to_4h.weight',
    'gpt_neox.layers.0.mlp.dense_h_to_4h.bias',
    'gpt_neox.layers.0.mlp.dense_4h_to_h.weight',
    'gpt_neox.layers.0.mlp.dense_4h_to_h.bias',
    'gpt_neox.final_layer_norm.weight',
    'gpt_neox.final_layer_norm.bias',
  ]);
  // Head size 4: q of head 0, k of head 0, v of head 0, q of head 1, …
  const order = [0, 8, 16, 4, 12, 20].flatMap((first) => [first, first + 1, first + 2, first + 3]);
  expect([...arrays['gpt_neox.layers.0.attention.query_key_value.bias']!.data]).toEqual(order);
  const weight = arrays['gpt_neox.layers.0.attention.query_key_value.weight']!;
  expect(weight.shape).toEqual([24, 8]);
  const column = order.map((_, row) => weight.data[row * 8 + 1]); // of input 1
  expect(column).toEqual(order.map((output) => 24 + output));
  expect([...arrays['gpt_neox.embed_in.weight']!.data.subarray(0, 9)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('RMSNorm is no model of transformers and does not claim to be one', () => {
  expect(filesOf({ norm: 'rms' }).config).toMatchObject({ model_type: 'loom_gpt', norm: 'rms', positions: 'learned' });
});
