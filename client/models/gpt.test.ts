import { expect, test } from 'vitest';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import { sha256Hex } from '../../shared/bytes.ts';
import { initialDeviation, initialParameters } from './initial-parameters.ts';
import { listGpt } from './gpt.ts';
import { windows } from './sequence.ts';
import type { GptShape } from './gpt.ts';

const shape: GptShape = {
  kind: 'gpt',
  layers: 2,
  heads: 2,
  width: 8,
  context: 16,
  vocabulary: 256,
  positions: 'learned',
  norm: 'layer',
};

function planOf(variant: Partial<GptShape>) {
  const builder = new PlanBuilder();
  listGpt(builder, { ...shape, ...variant }, windows(builder, builder.input('tokens', [1, 16], 'u32')));
  return builder.finish();
}

test('parameters have the names, shapes and order of GPT-2 in Hugging Face', () => {
  const block = (i: number) => [
    `transformer.h.${i}.ln_1.weight 8`,
    `transformer.h.${i}.ln_1.bias 8`,
    `transformer.h.${i}.attn.c_attn.weight 8,24`,
    `transformer.h.${i}.attn.c_attn.bias 24`,
    `transformer.h.${i}.attn.c_proj.weight 8,8`,
    `transformer.h.${i}.attn.c_proj.bias 8`,
    `transformer.h.${i}.ln_2.weight 8`,
    `transformer.h.${i}.ln_2.bias 8`,
    `transformer.h.${i}.mlp.c_fc.weight 8,32`,
    `transformer.h.${i}.mlp.c_fc.bias 32`,
    `transformer.h.${i}.mlp.c_proj.weight 32,8`,
    `transformer.h.${i}.mlp.c_proj.bias 8`,
  ];
  const ends = ['transformer.ln_f.weight 8', 'transformer.ln_f.bias 8'];
  const tables = ['transformer.wte.weight 256,8', 'transformer.wpe.weight 16,8'];
  const listed = planOf({}).parameters.map(({ name, shape }) => `${name} ${shape.join()}`);
  expect(listed).toEqual([...tables, ...block(0), ...block(1), ...ends]);
});

test('rotary positions need no table, RMSNorm no bias; only matrices decay', () => {
  const { parameters } = planOf({ positions: 'rotary', norm: 'rms' });
  const names = parameters.map(({ name }) => name);
  expect(names.filter((name) => name.includes('wpe') || (name.includes('ln_') && name.endsWith('bias')))).toEqual([]);
  expect(parameters.every(({ decay, shape }) => decay === (shape.length === 2))).toBe(true);
});

test('initial parameters: the same bits for a seed, the deviations of GPT-2, zero padding', () => {
  const plan = planOf({});
  const flat = initialParameters(plan, shape, 1);
  const bytes = new Uint8Array(flat.buffer);
  expect(sha256Hex(bytes)).toBe('e4f66a6570e44fab6e06d50c0997335c6391697d2269db919e7aff0dc8da22e9');
  expect(initialParameters(plan, shape, 2)).not.toEqual(flat);
  const deviationOf = (wanted: string): number => {
    const { offset, elements } = plan.parameters.find(({ name }) => name === wanted)!;
    return Math.sqrt(flat.subarray(offset, offset + elements).reduce((sum, x) => sum + x * x, 0) / elements);
  };
  const wanted = initialDeviation(8);
  expect(initialDeviation(768)).toBe(0.02);
  expect(deviationOf('transformer.wte.weight') / wanted).toBeCloseTo(1, 1);
  expect(deviationOf('transformer.h.1.mlp.c_proj.weight') / wanted).toBeCloseTo(0.5, 1);
  expect(deviationOf('transformer.h.0.ln_1.weight')).toBe(1);
  expect(deviationOf('transformer.h.0.attn.c_attn.bias')).toBe(0);
  const used = new Set(
    plan.parameters.flatMap(({ offset, elements }) => [...Array(elements).keys()].map((i) => offset + i)),
  );
  expect(flat.every((value, i) => used.has(i) || value === 0)).toBe(true);
});
