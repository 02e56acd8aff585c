// Tiny models of Hugging Face's transformers (models.py made them and expected.json): tokens, logits, loss, gradients and
// AdamW steps within 1e-4 of what transformers computes (1e-2 with products in f16), and a folder that comes back to the bit.
// Qwen3's numbers are not transformers': qwen3.py computes them a second time, in numpy.

import { expect, test } from 'vitest';
import type { Device, Program } from '../../kernels/device/device.ts';
import { relativeDistance } from '../../kernels/testing/check.ts';
import { halfDevices, testDevices } from '../../kernels/testing/devices.ts';
import { openReference } from '../../kernels/testing/reference-device.ts';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { View } from '../../kernels/plan/op.ts';
import { utf8 } from '../../shared/bytes.ts';
import { modelSchema } from '../../shared/manifest/model.ts';
import type { PretrainedSettings } from '../../shared/manifest/model.ts';
import { listDecoder } from '../../client/models/decoder.ts';
import { openModel } from '../../client/models/open-model.ts';
import type { Model } from '../../client/models/model.ts';
import { readSafetensors } from '../../client/models/files/safetensors.ts';
import { windows } from '../../client/models/sequence.ts';
import { lmPlans } from '../../client/train/lm/lm-plans.ts';
import type { LmPlans } from '../../client/train/lm/lm-plans.ts';
import { writeHyper } from '../../client/train/lm/optimizers.ts';
import { optimizerSchema } from '../../shared/manifest/optimizer.ts';
import { folderOf, modelNames, packedModel } from './folder.ts';
import type { ModelName } from './folder.ts';
import golden from './models/expected.json' with { type: 'json' };
import qwen3 from './models/expected-qwen3.json' with { type: 'json' };

interface Described {
  readonly norm: number;
  readonly at: readonly number[];
  readonly values: readonly number[];
}

interface Precision {
  readonly precision: 'f32' | 'f16';
  readonly tolerance: number;
}

const expected = { ...golden.models, qwen3 };
const exact: Precision = { precision: 'f32', tolerance: 1e-4 };
const half: Precision = { precision: 'f16', tolerance: 1e-2 };
const settings = modelSchema.parse({ from: 'file:here', context: 16 }) as PretrainedSettings;
const optimizer = optimizerSchema.parse({ ...golden.adamw, batchSize: golden.tokens.length, gradientClip: 0 });

test.each(modelNames)(
  '%s: logits, gradients and steps are those of another implementation',
  { timeout: 300_000 },
  async (name) => {
    const model = openModel(settings, await packedModel(name));
    const plans = lmPlans(model, optimizer);
    const [cpu, forSoftware, forHardware] = await testDevices();
    // On a software adapter the kernels made for GPUs take a minute; there they are tested one by one only.
    const devices = forHardware?.info.isSoftware ? [cpu, forSoftware] : [cpu, forSoftware, forHardware];
    expect(devices).toContain(cpu);
    for (const device of devices) if (device) await checkDevice(device, model, plans, name, exact);
  },
);

test.each(modelNames)(
  '%s in f16: the same within 1e-2, by the references and on every device with shader-f16',
  { timeout: 1_800_000 },
  async (name) => {
    const model = openModel(settings, await packedModel(name));
    const plans = lmPlans(model, optimizer);
    const reference = openReference();
    await checkDevice(reference, model, plans, name, half);
    const logits = async (precision: 'f32' | 'f16') => {
      const training = await reference.compile(plans.training, { precision });
      training.writeParameters(model.initialParameters(plans.training, 0));
      return lastLogits(reference, training, model, precision);
    };
    expect(relativeDistance(await logits('f16'), await logits('f32'))).toBeGreaterThan(1e-5); // it is rounded
    for (const device of await halfDevices()) await checkDevice(device, model, plans, name, half);
  },
);

async function checkDevice(
  device: Device,
  model: Model,
  plans: LmPlans,
  name: ModelName,
  { precision, tolerance }: Precision,
): Promise<void> {
  const wanted = expected[name];
  const where = `${name} on ${device.info.adapter}`;
  const training = await device.compile(plans.training, { precision });
  training.writeParameters(model.initialParameters(plans.training, 0));
  const logits = await lastLogits(device, training, model, precision);
  expect(relativeDistance(logits, wanted.lastLogits), `${where}: logits`).toBeLessThan(tolerance);
  const rows = golden.tokens.map((row) => row.slice(0, -1));
  training.write('tokens', Uint32Array.from(rows.flat()));
  training.write('targets', Uint32Array.from(golden.tokens.flatMap((row) => row.slice(1))));
  for (const [step, loss] of wanted.losses.entries()) {
    writeHyper(training, optimizer, optimizer.learningRate, step + 1);
    await training.run();
    const [measured] = await training.read('loss');
    expect(Math.abs(measured! - loss), `${where}: loss of step ${step}`).toBeLessThan(tolerance);
    if (step > 0) continue;
    const gradients = await flatGradients(training);
    checkArrays(model, plans, gradients, wanted.gradients, tolerance, `${where}: gradient of`);
  }
  checkArrays(model, plans, await training.readParameters(), wanted.trained, tolerance, `${where}: trained`);
  training.destroy();
}

/** Of the last position of the last row. */
async function lastLogits(device: Device, training: Program, model: Model, precision: 'f32' | 'f16'): Promise<View> {
  const builder = new PlanBuilder();
  const tokens = builder.input('tokens', [1, model.window], 'u32');
  builder.readable(listDecoder(builder, model.shape, windows(builder, tokens)));
  const program = await device.compile(builder.finish(), { shareWith: training, precision });
  program.write('tokens', Uint32Array.from(golden.tokens.at(-1)!.slice(0, -1)));
  await program.run();
  const logits = (await program.read('logits')).slice(-model.shape.vocabulary);
  program.destroy();
  return logits;
}

async function flatGradients(program: Program): Promise<Float32Array> {
  const flat = new Float32Array(program.plan.parameterCount);
  for (const { name, offset } of program.plan.parameters)
    flat.set((await program.read(`d(${name})`)) as Float32Array, offset);
  return flat;
}

/** Holds arrays against what transformers says, under the names that it has for them. */
function checkArrays(
  model: Model,
  plans: LmPlans,
  flat: Float32Array,
  wanted: Readonly<Record<string, Described>>,
  tolerance: number,
  where: string,
): void {
  const { tensors } = readSafetensors(model.files(plans.training, flat)[0]!.bytes);
  expect(tensors.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
  for (const { name, data } of tensors) {
    const { norm, at, values } = wanted[name]!;
    expect(Math.abs(Math.hypot(...data) - norm), `${where} ${name}`).toBeLessThan(tolerance * norm);
    const picked = at.map((i) => data[i]!);
    for (const [i, value] of values.entries())
      expect(Math.abs(picked[i]! - value), `${where} ${name} at ${at[i]}`).toBeLessThan(tolerance * norm);
  }
}

test.each(modelNames)('%s: saved again before any step, the folder is the one it came from', async (name) => {
  const model = openModel(settings, await packedModel(name));
  const plan = lmPlans(model, optimizer).training;
  const files = new Map(model.files(plan, model.initialParameters(plan, 0)).map(({ name, bytes }) => [name, bytes]));
  const original = folderOf(name);
  const byName = (bytes: Uint8Array) => readSafetensors(bytes).tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  expect(byName(files.get('model.safetensors')!)).toEqual(byName((await original('model.safetensors'))!));
  for (const file of ['config.json', 'generation_config.json', 'tokenizer_config.json'])
    expect(JSON.parse(textOf(files.get(file)!))).toEqual(JSON.parse(textOf((await original(file))!)));
  expect(textOf(files.get('tokenizer.json')!)).toBe(textOf((await original('tokenizer.json'))!));
});

test('the tokens are those of the tokenizers library, special ones and half characters among them', async () => {
  const { tokenizer } = openModel(settings, await packedModel('gpt2'));
  const tokens = tokenizer.encode(utf8(golden.text));
  expect([...tokens]).toEqual(golden.ids);
  expect(tokens).toBeInstanceOf(Uint16Array);
  expect(tokenizer.decode(tokens)).toBe(golden.text);
  expect(tokenizer.vocabulary).toBe(288);
});

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
