import { expect, test } from 'vitest';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { adapterSchema } from '../../../shared/manifest/adapter.ts';
import type { AdapterSettings } from '../../../shared/manifest/adapter.ts';
import { modelSchema } from '../../../shared/manifest/model.ts';
import { createRandom } from '../../../shared/random.ts';
import { lmPlans } from '../../train/lm/lm-plans.ts';
import { fromLlamaArrays } from '../files/llama-files.ts';
import type { ModelFile, Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import { fromNamedArrays } from '../files/named-arrays.ts';
import { readSafetensors } from '../files/safetensors.ts';
import { adaptModel } from './adapted-model.ts';

const settings = (changes: Partial<AdapterSettings> = {}) => adapterSchema.parse({ rank: 2, alpha: 4, ...changes });
const kinds = ['gpt', 'llama'] as const;
const open = (kind: 'gpt' | 'llama') =>
  openModel(modelSchema.parse({ kind, layers: 2, heads: 2, width: 16, context: 8 }), null);

/** The loss of a model with these parameters on fixed random tokens. */
async function lossOf(model: Model, of: (plan: { parameterCount: number }) => Float32Array): Promise<number> {
  const { evaluation } = lmPlans(model, { kind: 'sgd', batchSize: 2, accumulate: 1 });
  const program = await openCpu().compile(evaluation);
  for (const [name, values] of model.frozen?.() ?? []) program.write(name, values);
  program.writeParameters(of(evaluation));
  const random = createRandom(8);
  for (const name of ['tokens', 'targets'])
    program.write(
      name,
      Uint32Array.from({ length: 16 }, () => random.below(256)),
    );
  await program.run();
  return (await program.read('loss'))[0]!;
}

function adapterOf(plan: { parameterCount: number }): Float32Array {
  const random = createRandom(11);
  return Float32Array.from({ length: plan.parameterCount }, () => random.normal() / 4);
}

const planOf = (model: Model) => lmPlans(model, { kind: 'sgd', batchSize: 2, accumulate: 1 }).evaluation;

function find(files: readonly ModelFile[], name: string): ModelFile {
  return files.find((file) => file.name === name)!;
}

test.each(kinds)('%s: an adapter begins at the frozen model, and only the adapter is trained', async (kind) => {
  const whole = open(kind);
  const adapted = adaptModel(whole, settings(), 3);
  const plan = planOf(adapted);
  expect(plan.parameters.every(({ name }) => /\.lora_[AB]\.weight$/.test(name))).toBe(true);
  expect(plan.parameterCount).toBeLessThan(planOf(whole).parameterCount / 3);
  const base = await lossOf(whole, () => whole.initialParameters(planOf(whole), 3));
  expect(await lossOf(adapted, () => adapted.initialParameters(plan, 3))).toBeCloseTo(base, 6);
});

test.each([
  ['gpt', 'none'],
  ['gpt', 'nf4'],
  ['llama', 'int8'],
  ['llama', 'none'],
] as const)('%s, %s: the merged file is the model whose loss was measured', async (kind, quantize) => {
  const whole = open(kind);
  const adapted = adaptModel(whole, settings({ quantize }), 3);
  const measured = await lossOf(adapted, adapterOf);
  const files = adapted.files(planOf(adapted), adapterOf(planOf(adapted)));
  const untouched = whole.files(planOf(whole), whole.initialParameters(planOf(whole), 3));
  expect(files.map(({ name }) => name)).toEqual([
    ...untouched.map(({ name }) => name),
    'adapter_model.safetensors',
    'adapter_config.json',
  ]);
  const merged = readSafetensors(find(files, 'model.safetensors').bytes).tensors;
  const flat = mergedParameters(whole, merged);
  expect(await lossOf(whole, () => flat)).toBeCloseTo(measured, 5);
  expect(Math.abs(measured - (await lossOf(whole, () => whole.initialParameters(planOf(whole), 3))))).toBeGreaterThan(
    1e-3,
  );
});

/** The flat vector of a file's arrays; Llama's fused matrices are put together again. */
function mergedParameters(model: Model, arrays: ReturnType<typeof readSafetensors>['tensors']) {
  const plan = planOf(model);
  const names = plan.parameters.map(({ name }) => name);
  const { shape } = model;
  const floats = arrays.map(({ name, shape: size, data }) => ({ name, shape: size, data: Float32Array.from(data) }));
  return fromNamedArrays(plan, shape.kind === 'llama' ? fromLlamaArrays(shape, names, floats) : floats);
}

test('the adapter alone has the names and shapes of PEFT', () => {
  const gpt = adaptModel(open('gpt'), settings({ targets: ['c_attn'] }), 3);
  const files = gpt.files(planOf(gpt), adapterOf(planOf(gpt)));
  const names = (list: readonly ModelFile[]) =>
    readSafetensors(find(list, 'adapter_model.safetensors').bytes).tensors.map(({ name, shape }) => [name, shape]);
  expect(names(files)).toEqual([
    ['base_model.model.transformer.h.0.attn.c_attn.lora_A.weight', [2, 16]],
    ['base_model.model.transformer.h.0.attn.c_attn.lora_B.weight', [48, 2]],
    ['base_model.model.transformer.h.1.attn.c_attn.lora_A.weight', [2, 16]],
    ['base_model.model.transformer.h.1.attn.c_attn.lora_B.weight', [48, 2]],
  ]);
  const config = JSON.parse(new TextDecoder().decode(find(files, 'adapter_config.json').bytes)) as object;
  expect(config).toMatchObject({
    peft_type: 'LORA',
    r: 2,
    lora_alpha: 4,
    target_modules: ['c_attn'],
    fan_in_fan_out: true,
  });

  const llama = adaptModel(open('llama'), settings({ targets: ['qkv_proj'] }), 3);
  const split = names(llama.files(planOf(llama), adapterOf(planOf(llama))));
  for (const part of ['q_proj', 'k_proj', 'v_proj']) {
    expect(split).toContainEqual([`base_model.model.model.layers.1.self_attn.${part}.lora_A.weight`, [2, 16]]);
    expect(split).toContainEqual([`base_model.model.model.layers.1.self_attn.${part}.lora_B.weight`, [16, 2]]);
  }
});

test('a target that no layer has is told with what there is', () => {
  const adapt = () => adaptModel(open('gpt'), settings({ targets: ['q_proj'] }), 3);
  expect(adapt).toThrow(
    expect.objectContaining({
      code: 'invalid_manifest',
      message: expect.stringContaining('q_proj'),
      where: 'spec.adapter.targets',
      allowed: 'c_attn, c_proj, c_fc',
    }),
  );
});

test('a rank beyond half of a layer is refused', () => {
  expect(() => adaptModel(open('gpt'), settings({ rank: 9 }), 3)).toThrow(
    expect.objectContaining({ where: 'spec.adapter.rank', allowed: '1 to 8' }),
  );
});
