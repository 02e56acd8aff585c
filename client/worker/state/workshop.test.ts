import { expect, test } from 'vitest';
import { utf8 } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Trainer } from '../../train/trainer.ts';
import { Keepsake } from './keepsake.ts';
import { MemoryStore } from '../store.ts';
import { createCpuTrainer } from '../testing/tiny-job.ts';
import { Workshop } from './workshop.ts';

const manifest = parseManifest({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'workshop' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt', layers: 1, heads: 1, width: 8, context: 8 },
    data: { source: 'file:unused' },
    runtime: { maxTokens: 1000 },
  },
});
const data = utf8('the quick brown fox jumps over the lazy dog. '.repeat(50));

async function open(keepsake: Keepsake, createTrainer: () => Trainer = createCpuTrainer): Promise<Workshop> {
  const workshop = new Workshop({ createTrainer, manifest, data, backend: 'cpu', load: 1, keepsake, hungMs: 50 });
  await workshop.open();
  return workshop;
}

async function trainRound(workshop: Workshop, round: number): Promise<void> {
  const assignment = { round, slot: 0, seed: 7, steps: 2, learningRate: 0.01, evaluate: false, deadlineMs: 0 };
  const { payload, tokens } = await workshop.train(assignment, () => undefined);
  await workshop.apply(round, [{ payload, tokens }]);
}

test('a later life goes on from the state that was held', async () => {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  const first = await open(keepsake);
  await trainRound(first, 0);
  await trainRound(first, 1);
  expect(first.holds.round).toBe(2);
  expect((await open(keepsake)).holds).toEqual(first.holds);
});

test('a state that cannot be read is no reason to stop: the initial one is held', async () => {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  await keepsake.keepState({ round: 3, stateHash: 'f'.repeat(64) }, utf8('no checkpoint'));
  expect((await open(keepsake)).holds.round).toBe(0);
});

test('a checkpoint with another hash or round than the room says is refused', async () => {
  const workshop = await open(new Keepsake(new MemoryStore(), 'job'));
  await trainRound(workshop, 0);
  const checkpoint = await workshop.checkpoint();
  const { round, stateHash } = workshop.holds;
  for (const wrong of [
    { round, stateHash: 'f'.repeat(64) },
    { round: round + 1, stateHash },
  ]) {
    await expect(workshop.restore(checkpoint, wrong)).rejects.toMatchObject({ code: 'invalid_frame' });
    expect(workshop.holds.round).toBe(0);
  }
  expect(workshop.isBroken).toBe(false);
});

test('a dead trainer is told from an interrupted one, and replaced on the state it held', async () => {
  let failure = new LoomError('conflict', 'interrupted');
  const createTrainer = (): Trainer => {
    const trainer = createCpuTrainer();
    trainer.artifact = () => Promise.reject(failure);
    return trainer;
  };
  const workshop = await open(new Keepsake(new MemoryStore(), 'job'), createTrainer);
  await trainRound(workshop, 0);
  const { holds } = workshop;
  await expect(workshop.artifact()).rejects.toBe(failure);
  expect(workshop.isBroken).toBe(false);
  failure = new LoomError('unavailable', 'the thread is gone');
  await expect(workshop.artifact()).rejects.toBe(failure);
  expect(workshop.isBroken).toBe(true);
  await workshop.reopen();
  expect(workshop.isBroken).toBe(false);
  expect(workshop.holds).toEqual(holds);
  await trainRound(workshop, 1);
});

test('a trainer that never ends its step after an interruption counts as broken', async () => {
  const createTrainer = (): Trainer => {
    const trainer = createCpuTrainer();
    trainer.train = () => new Promise(() => undefined);
    return trainer;
  };
  const workshop = await open(new Keepsake(new MemoryStore(), 'job'), createTrainer);
  const training = trainRound(workshop, 0);
  workshop.interrupt();
  await expect(training).rejects.toMatchObject({ code: 'unavailable' });
  expect(workshop.isBroken).toBe(true);
});
