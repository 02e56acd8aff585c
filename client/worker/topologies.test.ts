// Whole jobs in every topology, with staleness and with overlap: real rooms, real WebRTC, real training. Whatever the way that payloads take, all workers must
// hold the same state after every round.

import { expect, test, vi } from 'vitest';
import type { ManifestInput } from '../../shared/manifest/manifest.ts';
import { eventsOf, startTinyWorker, submitTinyJob } from './testing/tiny-job.ts';
import { TinySwarm } from './testing/tiny-swarm.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const swarm = new TinySwarm();
const { workers } = swarm;

type Rounds = ManifestInput['spec']['rounds'];

/** What workers applied in each round, by how many contributions were in a payload. */
async function train(rounds: Rounds, count: number): Promise<{ folds: number[][]; applied: number[]; late: number[] }> {
  const job = await submitTinyJob(swarm.client, { maxTokens: 30_000 }, { min: count, max: count }, rounds);
  for (let index = 0; index < count; index++) workers.push(startTinyWorker(swarm.coordinator));
  await Promise.all(workers.map((worker) => worker.done));
  const { state } = await swarm.client.getJob(job.id);
  expect(state).toBe('completed');
  const agreed = await eventsOf(swarm.coordinator, job.id, 'round.agreed');
  const closed = await eventsOf(swarm.coordinator, job.id, 'round.closed');
  expect(agreed.length).toBe(closed.length);
  expect(agreed.map(({ dissent }) => dissent)).toEqual(agreed.map(() => 0));
  for (const worker of workers) expect(worker.snapshot().tokensTrained).toBeGreaterThan(0);
  return {
    folds: closed.map(({ accepted, applied }) =>
      (applied ?? accepted).map((one) => ('folds' in one ? Number(one.folds) : 1)),
    ),
    applied: closed.map(({ accepted, applied }) => (applied ?? accepted).length),
    late: closed.flatMap(({ accepted }) => accepted.map(({ staleness }) => staleness ?? 0)),
  };
}

const largest = (folds: readonly number[][]): number => Math.max(...folds.flat());

test('mesh: everyone applies what everyone made', async () => {
  const { folds } = await train({ topology: 'mesh' }, 4);
  expect(largest(folds)).toBe(1);
});

test('ring: sparse payloads are handed on from worker to worker', async () => {
  const { folds, applied } = await train({ topology: 'ring' }, 4);
  expect(largest(folds)).toBe(1);
  expect(Math.max(...applied)).toBe(4);
});

test('groups: a group makes one payload of its two', async () => {
  const { folds, applied } = await train({ topology: { kind: 'groups', groupSize: 2 } }, 4);
  expect(largest(folds)).toBe(2);
  expect(Math.min(...applied)).toBeLessThan(4);
});

test('tree: one payload holds the work of all', async () => {
  const { folds, applied } = await train({ topology: { kind: 'tree', groupSize: 2, branching: 3 } }, 6);
  expect(largest(folds)).toBeGreaterThanOrEqual(4);
  expect(Math.min(...applied)).toBe(1);
});

test('staleness: workers train on while rounds close, and hold the same state after each', async () => {
  const compression = { kind: 'topk', density: 1 / 16, bits: 2, warmup: { rounds: 8 } } as const; // what it holds back is settled rounds later
  const { late } = await train({ staleness: 2, compression }, 3);
  expect(Math.max(...late)).toBeLessThanOrEqual(2);
  expect(late.filter((rounds) => rounds > 0).length).toBeGreaterThan(late.length / 3);
});

test('overlap: workers train for the next fragment while one is exchanged, and hold the same state after each round', async () => {
  const { late } = await train({ fragments: 2, overlap: true, innerSteps: 5, compression: 'sign' }, 3);
  expect(late.every((rounds) => rounds === 0)).toBe(true);
  for (const { snapshots } of workers) {
    const early = snapshots.filter(
      ({ phase, round, roundsAccepted }) => phase === 'training' && round > roundsAccepted,
    );
    expect(early.length).toBeGreaterThan(0); // before the round before was closed
  }
});
