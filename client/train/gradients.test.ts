// Gradients instead of differences: no worker steps alone, and all take one optimizer step on what their payloads come to.

import { expect, test } from 'vitest';
import { expectClose } from '../../kernels/testing/check.ts';
import type { ManifestInput } from '../../shared/manifest/manifest.ts';
import { assignmentOf, openSmall, smallJob } from './testing/small-job.ts';
import type { Contribution, Trainer } from './trainer.ts';

type Spec = ManifestInput['spec'];

const model = { kind: 'gpt' as const, layers: 1, heads: 2, width: 32, context: 16 };
const sign = { kind: 'sign' as const, learningRate: 3e-3, batchSize: 4 };
const demo: Partial<Spec> = {
  model,
  optimizer: sign,
  rounds: { exchange: 'gradients', compression: { kind: 'dct', density: 1 / 32 } },
};

async function open(changes: Partial<Spec>): Promise<Trainer> {
  return openSmall(smallJob(changes));
}

function train(trainer: Trainer, round: number, seed: number, steps = 1, evaluate = false): Promise<Contribution> {
  return trainer.train(assignmentOf({ round, seed, steps, learningRate: 0.1, evaluate }), () => {});
}

async function parametersOf(trainer: Trainer): Promise<Float32Array> {
  const bytes = await trainer.checkpoint();
  const headerBytes = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)); // safetensors
  return new Float32Array(bytes.slice(headerBytes).buffer);
}

test.each([
  { steps: 1, accumulate: 1 },
  { steps: 3, accumulate: 1 },
  { steps: 2, accumulate: 3 },
])('sgd on gradients of %j is the step that one worker takes on as many batches', async ({ steps, accumulate }) => {
  const sgd = { kind: 'sgd' as const, learningRate: 0.1, batchSize: 2, warmup: 0, decay: 0 };
  const rounds = { exchange: 'gradients' as const, compression: 'none' as const };
  const together = await open({ optimizer: { ...sgd, accumulate }, rounds });
  const alone = await open({ optimizer: { ...sgd, accumulate: steps * accumulate }, rounds: { compression: 'none' } });
  const before = await parametersOf(alone);
  const [gradient, difference] = [await train(together, 0, 5, steps), await train(alone, 0, 5)];
  expect(gradient.tokens).toBe(difference.tokens);
  expect(gradient.loss).toBeCloseTo(difference.loss, 5);
  await together.apply(0, [gradient], [], 0.1);
  await alone.apply(0, [difference]);
  const after = await parametersOf(alone);
  expect(after.some((value, i) => Math.abs(value - before[i]!) > 1e-4)).toBe(true);
  expectClose(await parametersOf(together), after, 1e-6, 'parameters');
});

test('DeMo: the loss falls, workers hold the same bits, and so does one that replays the rounds from a checkpoint', async () => {
  const [a, b, late] = [await open(demo), await open(demo), await open(demo)];
  const log: Contribution[][] = [];
  let checkpoint = await a.checkpoint();
  const rates = Array.from({ length: 60 }, (_, round) => 4e-3 * (1 - round / 60));
  for (const [round, rate] of rates.entries()) {
    if (round === 50) checkpoint = await a.checkpoint();
    const sent = [await train(a, round, 2 * round, 1, round === 0), await train(b, round, 2 * round + 1)];
    const applied = [await a.apply(round, sent, [], rate), await b.apply(round, sent, [], rate)];
    expect(applied[1]).toEqual(applied[0]);
    expect(applied[0]!.refused).toBe(0);
    log.push(sent);
  }
  const last = await train(a, 60, 1, 1, true);
  expect(last.validation!.loss).toBeLessThan(log[0]![0]!.validation!.loss - 2);
  await late.restore(checkpoint);
  for (let round = 50; round < 60; round++) await late.apply(round, log[round]!, [], rates[round]);
  expect(await late.state()).toEqual(await a.state());
});

test('every parameter moves by the learning rate; matrices decay besides', async () => {
  const trainer = await open({ ...demo, optimizer: { ...sign, weightDecay: 0 } });
  const before = await parametersOf(trainer);
  await trainer.apply(0, [await train(trainer, 0, 1)], [], 2 ** -6);
  const moves = (await parametersOf(trainer)).map((value, i) => Math.abs(value - before[i]!));
  expect(moves.filter((move) => Math.abs(move - 2 ** -6) < 1e-6).length).toBeGreaterThan(0.95 * moves.length);
  expect(moves.every((move) => move < 2 ** -6 + 1e-6)).toBe(true);
});

test('what was not accepted stays in the worker’s momentum; a restored state begins without', async () => {
  const trainer = await open(demo);
  const first = await train(trainer, 0, 1);
  await trainer.apply(0, [], [], 0.1);
  expect((await train(trainer, 1, 1)).hash).not.toBe(first.hash); // 1.999 times as large
  await trainer.restore(null);
  expect((await train(trainer, 0, 1)).hash).toBe(first.hash);
});

test('a round that closed without a learning rate is a defect, not a step', async () => {
  const trainer = await open(demo);
  const sent = await train(trainer, 0, 1);
  await expect(trainer.apply(0, [sent])).rejects.toMatchObject({ code: 'internal' });
  expect(await trainer.state()).toMatchObject({ round: 0 });
});
