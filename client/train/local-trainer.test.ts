import { expect, test } from 'vitest';
import { openCpu } from '../../kernels/device/cpu.ts';
import type { Device } from '../../kernels/device/device.ts';
import { sha256Hex, utf8 } from '../../shared/bytes.ts';
import { createRandom } from '../../shared/random.ts';
import type { Assignment } from '../../shared/protocol/messages.ts';
import { readSafetensors } from '../models/files/safetensors.ts';
import type { OnProgress } from './algorithm.ts';
import { splitData } from './lm/data.ts';
import { LocalTrainer } from './local-trainer.ts';
import { assignmentOf, openSmall, smallJob } from './testing/small-job.ts';
import type { Contribution, Trainer, TrainerJob } from './trainer.ts';

test('it opens with a report and the initial state, which the seed alone decides', async () => {
  const open = (job: TrainerJob) =>
    new LocalTrainer(async () => ({ device: openCpu(), why: 'a test', stepsPerSecond: 3 })).open(job);
  const report = await open(smallJob());
  expect(report).toMatchObject({
    kind: 'cpu',
    why: 'a test',
    round: 0,
    tokensPerSecond: 3 * 4 * 16,
    parameterCount: 7664,
  });
  expect((await open(smallJob())).stateHash).toBe(report.stateHash);
  expect((await open(smallJob({ seed: 2 }))).stateHash).not.toBe(report.stateHash);
});

test('training learns, reports its progress, and leaves the agreed state alone until it is applied', async () => {
  const trainer = await openSmall();
  const before = await trainer.state();
  const steps: number[] = [];
  const first = await train(trainer, { evaluate: true, steps: 60 }, ({ step }) => steps.push(step));
  expect(first).toMatchObject({ round: 0, tokens: 60 * 64, hash: sha256Hex(first.payload) });
  expect(first.validation).toMatchObject({ tokens: 199, loss: expect.closeTo(Math.log(256), 0) });
  expect(steps.at(-1)).toBe(60);
  expect(await trainer.state()).toEqual(before);
  const applied = await trainer.apply(0, [first]);
  expect(applied).toMatchObject({ round: 1, refused: 0 });
  expect(applied.stateHash).not.toBe(before.stateHash);
  const second = await train(trainer, { round: 1, evaluate: true, steps: 1 });
  expect(second.validation!.loss).toBeLessThan(2.5);
});

test('the same assignment gives the same payload, another seed another', async () => {
  const [a, b] = [await openSmall(), await openSmall()];
  const { hash } = await train(a, { seed: 5 });
  expect((await train(b, { seed: 5 })).hash).toBe(hash);
  expect((await train(await openSmall(), { seed: 6 })).hash).not.toBe(hash);
});

test('two workers with one plain-SGD step a round equal one worker with twice the batch', async () => {
  const jobOf = (batchSize: number): TrainerJob =>
    smallJob(
      {
        data: { source: 'file:short.txt', validationFraction: 0.4 },
        optimizer: { kind: 'sgd', learningRate: 0.5, batchSize, gradientClip: 0 },
        rounds: { compression: 'none' },
      },
      utf8('There she blows! A hump like a snow-hill! It'),
    );
  const text = splitData(jobOf(2).data, 0.4, 16).train as Uint8Array; // bytes are the tokens
  const [first, second, alone] = [await openSmall(jobOf(2)), await openSmall(jobOf(2)), await openSmall(jobOf(4))];
  for (let round = 0; round < 3; round++) {
    const step = { round, steps: 1, learningRate: 0.5 };
    const seeds = [10 + round, 20 + round];
    const windows = seeds.flatMap((seed) => drawStarts(seed, 2, text));
    const both = [await train(first, { ...step, seed: seeds[0]! }), await train(second, { ...step, seed: seeds[1]! })];
    const one = await train(alone, { ...step, seed: findSeed(windows, text) });
    expect(one.tokens).toBe(both[0]!.tokens + both[1]!.tokens);
    await Promise.all([first.apply(round, both), second.apply(round, both), alone.apply(round, [one])]);
    expect(await second.state()).toEqual(await first.state());
    expect(await largestDistance(first, alone)).toBeLessThan(1e-5);
  }
});

test.each([
  'int8',
  'sign', // which says something of the padding too
] as const)(
  '%s: a late joiner reaches the same state from a checkpoint, or from the beginning',
  async (compression) => {
    const job = smallJob({ rounds: { outerLearningRate: 0.7, outerMomentum: 0.9, compression } });
    const [first, second] = [await openSmall(job), await openSmall(job)];
    const log: Contribution[][] = [];
    let checkpoint: Uint8Array | null = null;
    for (let round = 0; round < 4; round++) {
      if (round === 2) checkpoint = await second.checkpoint();
      log.push([
        await train(first, { round, seed: 2 * round }),
        await train(second, { round, seed: 2 * round + 1, steps: 4 }),
      ]);
      await Promise.all([first.apply(round, log[round]!), second.apply(round, log[round]!)]);
    }
    const agreed = await first.state();
    expect(await second.state()).toEqual(agreed);
    for (const [from, start] of [
      [checkpoint, 2],
      [null, 0],
    ] as const) {
      const late = await openSmall(job);
      expect((await late.restore(from)).round).toBe(start);
      for (const [round, contributions] of log.entries()) if (round >= start) await late.apply(round, contributions);
      expect(await late.state()).toEqual(agreed);
    }
  },
);

test('a payload that does not decode adds nothing, on any worker', async () => {
  const [first, second] = [await openSmall(), await openSmall()];
  const good = await train(first, {});
  const bad = { ...good, payload: good.payload.slice(0, -1) };
  expect(await first.apply(0, [bad, good])).toMatchObject({ round: 1, refused: 1 });
  expect(await second.apply(0, [good])).toMatchObject({ round: 1, refused: 0 });
  expect(await first.state()).toEqual(await second.state());
});

test('an interruption ends the training asked for before it, and nothing after it', async () => {
  const trainer = await openSmall();
  const running = train(trainer, { steps: 10_000 });
  const queued = train(trainer, { steps: 10_000 });
  await trainer.interrupt();
  const next = train(trainer, { steps: 2 });
  await expect(running).rejects.toMatchObject({ code: 'conflict' });
  await expect(queued).rejects.toMatchObject({ code: 'conflict' });
  expect((await next).tokens).toBe(128);
});

test('what does not fit the agreed state is refused', async () => {
  const trainer = await openSmall();
  await expect(train(trainer, { round: 3 })).rejects.toMatchObject({ code: 'conflict' });
  await expect(trainer.apply(3, [])).rejects.toMatchObject({ code: 'conflict' });
  await expect(trainer.restore(new Uint8Array(20))).rejects.toMatchObject({ code: 'invalid_frame' });
  await expect(openSmall(smallJob({}, utf8('too short')))).rejects.toMatchObject({ code: 'data_unavailable' });
  expect((await trainer.state()).round).toBe(0);
});

test('a learning rate that destroys the model ends in a message, not in a contribution', async () => {
  const trainer = await openSmall();
  await expect(train(trainer, { steps: 50, learningRate: 1e30 })).rejects.toThrow(/diverged|not finite/);
});

test('after its device was lost it opens another and goes on from the agreed state', async () => {
  const opened: { device: Device; lose: (reason: string) => void }[] = [];
  const trainer = new LocalTrainer(async () => {
    const { promise: lost, resolve: lose } = Promise.withResolvers<string>();
    opened.push({ device: { ...openCpu(), lost }, lose });
    return { device: opened.at(-1)!.device, why: 'a test', stepsPerSecond: 1 };
  });
  const before = await trainer.open(smallJob());
  opened[0]!.lose('the driver was updated');
  expect((await train(trainer, {})).round).toBe(0);
  expect(opened.length).toBe(2);
  expect((await trainer.state()).stateHash).toBe(before.stateHash);
});

test('the artifact is a model that other tools read, with its loss and that of counting', async () => {
  const trainer = await openSmall();
  await trainer.apply(0, [await train(trainer, { steps: 60 })]);
  const { files, evaluation } = await trainer.artifact();
  expect(files.map(({ name }) => name)).toEqual(['model.safetensors', 'config.json', 'tokenizer.json', 'sample.txt']);
  expect(evaluation.tokens).toBe(199);
  expect(evaluation.loss).toBeLessThan(evaluation.unigramLoss);
  expect(evaluation.bigramLoss).toBeLessThan(evaluation.unigramLoss);
  const { tensors } = readSafetensors(files[0]!.bytes);
  expect(tensors[0]).toMatchObject({ name: 'transformer.wte.weight', shape: [256, 16] });
  expect(new TextDecoder().decode(files[3]!.bytes).length).toBeGreaterThan(300);
});

function train(trainer: Trainer, changes: Partial<Assignment>, progress: OnProgress = () => {}): Promise<Contribution> {
  return trainer.train(assignmentOf(changes), progress);
}

/** Where the windows of a one-step batch begin. */
function drawStarts(seed: number, batchSize: number, text: Uint8Array): number[] {
  const random = createRandom(seed);
  return Array.from({ length: batchSize }, () => random.below(text.length - 16));
}

/** A seed that draws these windows, in any order. */
function findSeed(windows: readonly number[], text: Uint8Array): number {
  const wanted = windows.toSorted().join();
  let seed = 0;
  while (drawStarts(seed, windows.length, text).sort().join() !== wanted) seed++;
  return seed;
}

async function largestDistance(a: Trainer, b: Trainer): Promise<number> {
  const [left, right] = [readSafetensors(await a.checkpoint()), readSafetensors(await b.checkpoint())];
  const distances = left.tensors.flatMap(({ data }, i) =>
    [...data].map((x, j) => Math.abs(x - right.tensors[i]!.data[j]!)),
  );
  return distances.reduce((largest, distance) => Math.max(largest, distance), 0);
}
