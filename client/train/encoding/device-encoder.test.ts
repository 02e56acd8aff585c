// Payloads made on WebGPU against those of the TypeScript encoder, over several rounds of real training.

import { expect, test, vi } from 'vitest';
import type { Device, Program } from '../../../kernels/device/device.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { relativeDistance } from '../../../kernels/testing/check.ts';
import { testDevices } from '../../../kernels/testing/devices.ts';
import type { Compression } from '../../../shared/manifest/compression.ts';
import type { ManifestInput } from '../../../shared/manifest/manifest.ts';
import { DeviceEncoder } from './device-encoder.ts';
import { languageModel } from '../lm/lm.ts';
import { LocalTrainer } from '../local-trainer.ts';
import { Pace, realTiming } from '../pace.ts';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';
import { WorkerMemory } from './worker-memory.ts';

type Spec = ManifestInput['spec'];

vi.setConfig({ testTimeout: 300_000 });

const gpus = async (): Promise<Device[]> => (await testDevices()).filter(({ info }) => info.kind === 'webgpu');
const pace = (): Pace => new Pace(realTiming, () => 1, new AbortController().signal);

async function openOn(device: Device, rounds: Spec['rounds'], optimizer: Spec['optimizer'] = {}) {
  const job = smallJob({ rounds, optimizer: { learningRate: 0.01, batchSize: 4, ...optimizer } });
  const algorithm = languageModel(job);
  const run = await algorithm.open(device);
  const encoder = await DeviceEncoder.open(job.manifest, device, run.program);
  return { algorithm, run, encoder, memory: new WorkerMemory(job.manifest, algorithm.plan) };
}

test.each<Compression>(['int8', 'sign', 'topk', 'dct', { kind: 'topk', density: 1 / 16, bits: 2, errorFeedback: 0.9 }])(
  '%j: round after round the device says what the encoder would',
  async (compression) => {
    for (const device of await gpus()) {
      const { algorithm, run, encoder, memory } = await openOn(device, { compression });
      const agreed = algorithm.initialParameters();
      for (const [round, isAccepted] of [true, false, true, true].entries()) {
        await run.train(agreed, assignmentOf({ round, seed: round, steps: 2 }), pace(), () => {});
        const reference = memory.encode(round, agreed, await run.program.readParameters());
        await encoder!.encode(agreed); // a round that is encoded twice holds nothing back twice
        const payload = await encoder!.encode(agreed);
        const said = memory.codec(round).decode(payload, agreed.length);
        const where = `round ${round} on ${device.info.adapter}`;
        expect(relativeDistance(said, reference.said), where).toBeLessThan(0.02);
        expect(Math.abs(payload.length - reference.payload.length), where).toBeLessThanOrEqual(2);
        memory.settle(round, isAccepted ? [reference.payload] : [], agreed);
        encoder!.settle(isAccepted ? [payload] : []);
      }
      encoder!.clear();
      memory.clear();
      const reference = memory.encode(0, agreed, await run.program.readParameters());
      const said = memory.codec(0).decode(await encoder!.encode(agreed), agreed.length);
      expect(relativeDistance(said, reference.said)).toBeLessThan(0.001); // nothing is left of the rounds before
    }
  },
);

test('DeMo: round after round the device says of its gradients what the encoder would', async () => {
  const compression = { kind: 'dct', density: 1 / 16, errorFeedback: 0.9 } as const;
  for (const device of await gpus()) {
    const rounds = { exchange: 'gradients', compression } as const;
    const { algorithm, run, encoder, memory } = await openOn(device, rounds, { kind: 'sign', gradientClip: 0.5 });
    const agreed = algorithm.initialParameters();
    for (const [round, isAccepted] of [true, false, true].entries()) {
      await run.train(agreed, assignmentOf({ round, seed: round, steps: 2 }), pace(), () => {});
      const reference = await memory.encodeTrained(round, agreed, run);
      await encoder!.encode(agreed);
      const payload = await encoder!.encode(agreed);
      const said = memory.codec(round).decode(payload, agreed.length);
      const where = `round ${round} on ${device.info.adapter}`;
      expect(relativeDistance(said, reference.said), where).toBeLessThan(0.05); // one coefficient of a small chunk for another
      expect(reference.said.some((value) => value !== 0)).toBe(true);
      memory.settle(round, isAccepted ? [reference.payload] : [], agreed);
      encoder!.settle(isAccepted ? [payload] : []);
    }
  }
});

test('the trainer reads back only what it sends, and others take it', async () => {
  for (const device of await gpus()) {
    const programs: Program[] = [];
    const watched: Device = {
      ...device,
      compile: async (plan, options) => {
        programs.push(await device.compile(plan, options));
        return programs.at(-1)!;
      },
    };
    const job = smallJob({ rounds: { compression: 'topk' } });
    const trainer = new LocalTrainer(async () => ({ device: watched, why: 'a test', stepsPerSecond: 100 }));
    const { parameterCount } = await trainer.open({ ...job, backend: 'webgpu' });
    const other = await openSmall(job);
    for (let round = 0; round < 2; round++) {
      const sent = [await trainer.train(assignmentOf({ round, steps: 3 }), () => {})];
      expect(await trainer.apply(round, sent)).toEqual(await other.apply(round, sent));
      expect((await trainer.state()).round).toBe(round + 1);
    }
    const bytesRead = programs.reduce((sum, { counters }) => sum + counters.bytesRead, 0);
    expect(bytesRead).toBeLessThan((2 * 4 * parameterCount) / 20);
  }
});

test('a difference that is not finite is never shared', async () => {
  for (const device of await gpus()) {
    for (const compression of ['int8', 'sign', 'topk', 'dct'] as const) {
      const { algorithm, run, encoder } = await openOn(device, { compression });
      const agreed = algorithm.initialParameters();
      run.program.writeParameters(agreed);
      for (const bad of [NaN, Infinity]) {
        const start = agreed.with(3, bad);
        await expect(encoder!.encode(start)).rejects.toThrow(/not finite/);
      }
    }
  }
});

test('a device that says something else than the encoder is not used', async () => {
  for (const device of await gpus()) {
    const wrong: Device = {
      ...device,
      compile: async (plan, options) => {
        const program = await device.compile(plan, options);
        const read = program.read.bind(program);
        if (plan.tensors.some(({ name }) => name === 'compress.records'))
          program.read = async (name) => (await read(name)).toReversed();
        return program;
      },
    };
    for (const compression of ['int8', 'sign', 'topk', 'dct'] as const)
      expect((await openOn(wrong, { compression })).encoder).toBeNull();
  }
});

test('the encoder in TypeScript remains for the CPU and for what kernels do not know', async () => {
  expect((await openOn(openCpu(), { compression: 'sign' })).encoder).toBeNull();
  const unknown: ManifestInput['spec']['rounds'][] = [
    { compression: 'none' },
    { compression: 'low-rank' },
    { compression: { kind: 'topk', bits: 4 } },
    { compression: { kind: 'dct', warmup: { rounds: 10 } } },
    { compression: { kind: 'topk', warmup: { rounds: 10 } } },
    { compression: 'sign', aggregation: { kind: 'median', workerMomentum: 0.9 } },
  ];
  for (const device of await gpus())
    for (const rounds of unknown) expect((await openOn(device, rounds)).encoder).toBeNull();
});
