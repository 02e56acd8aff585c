// A small GPT against PyTorch (gpt.py made gpt.json): the losses of 20 steps and the gradients of the first, on every
// backend of this machine, through the same plans that train.

import { expect, test } from 'vitest';
import { adamwHyper } from '../../kernels/adamw/adamw.ts';
import type { Device, Program } from '../../kernels/device/device.ts';
import { sgdHyper } from '../../kernels/sgd/sgd.ts';
import { testDevices } from '../../kernels/testing/devices.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { utf8 } from '../../shared/bytes.ts';
import { createRandom } from '../../shared/random.ts';
import { initialParameters } from '../../client/models/initial-parameters.ts';
import { openModel } from '../../client/models/open-model.ts';
import { createBatch, drawBatch } from '../../client/train/lm/data.ts';
import { lmPlans } from '../../client/train/lm/lm-plans.ts';
import golden from './gpt.json' with { type: 'json' };

type Case = (typeof golden.cases)[number];

const tolerance = 1e-3;

test.each(golden.cases)(
  '$name: losses and first gradients are those of PyTorch',
  { timeout: 120_000 },
  async (wanted) => {
    const [cpu, forSoftware, forHardware] = await testDevices();
    // On a software adapter the kernels made for GPUs take a minute; there they are tested one by one only.
    const fast = forHardware?.info.isSoftware ? [cpu, forSoftware] : [cpu, forSoftware, forHardware];
    for (const device of fast.filter((device) => device !== undefined)) {
      await checkDevice(device, wanted);
    }
  },
);

async function checkDevice(device: Device, wanted: Case): Promise<void> {
  const { model, optimizer } = specOf(wanted);
  const { training } = lmPlans(openModel(model, null), optimizer);
  const program = await device.compile(training);
  program.writeParameters(initialParameters(training, golden, golden.seed));
  const data = utf8(golden.text);
  const batch = createBatch(golden.batchSize, golden.context);
  const random = createRandom(golden.batchSeed);
  for (const [index, loss] of wanted.losses.entries()) {
    drawBatch(batch, data, golden.context, random);
    program.write('tokens', batch.tokens);
    program.write('targets', batch.targets);
    writeHyper(program, wanted, index + 1);
    await program.run();
    const [measured] = await program.read('loss');
    expect(Math.abs(measured! - loss), `${device.info.adapter}: loss of step ${index + 1}`).toBeLessThan(tolerance);
    if (index === 0) await checkGradients(device, program, wanted);
  }
  program.destroy();
}

async function checkGradients(device: Device, program: Program, wanted: Case): Promise<void> {
  const names = program.plan.parameters.map(({ name }) => name);
  expect(names).toEqual(Object.keys(wanted.gradients));
  for (const [name, { norm, at, values }] of Object.entries(wanted.gradients)) {
    const gradient = (await program.read(`d(${name})`)) as Float32Array;
    const where = `${device.info.adapter}: gradient of ${name}`;
    expect(Math.abs(Math.hypot(...gradient) - norm), `${where}`).toBeLessThan(tolerance * norm);
    for (const [i, value] of values.entries()) {
      expect(Math.abs(gradient[at[i]!]! - value), `${where} at ${at[i]}`).toBeLessThan(tolerance * norm);
    }
  }
}

function specOf(wanted: Case): Manifest['spec'] {
  const { layers, heads, width, context, batchSize } = golden;
  const { kind, positions, norm, learningRate, weightDecay, beta1, beta2, epsilon, gradientClip } = wanted;
  return parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'golden' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers, heads, width, context, positions, norm },
      data: { source: 'file:golden.txt' },
      optimizer: { kind, learningRate, batchSize, weightDecay, beta1, beta2, epsilon, gradientClip },
      runtime: { maxTokens: 1 },
    },
  }).spec;
}

function writeHyper(program: Program, wanted: Case, step: number): void {
  const { learningRate, weightDecay, beta1, beta2, epsilon, gradientClip: maxNorm } = wanted;
  if (wanted.kind === 'sgd') program.write('sgd.hyper', sgdHyper({ learningRate, momentum: 0, weightDecay, maxNorm }));
  else program.write('adamw.hyper', adamwHyper({ learningRate, weightDecay, beta1, beta2, epsilon, maxNorm }, step));
}
