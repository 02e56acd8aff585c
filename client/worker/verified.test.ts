// Jobs with verification end to end: the real coordinator, real WebRTC, the real trainer; and workers that lie.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/bytes.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';
import { LoomOSClient } from '../sdk/client.ts';
import type { Trainer } from '../train/trainer.ts';
import type { ContributeOptions } from './contribute.ts';
import { createCpuTrainer, startTinyWorker, submitTinyJob } from './testing/tiny-job.ts';
import type { TinyWorker } from './testing/tiny-job.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let coordinator: Embedded;
let client: LoomOSClient;
const workers: TinyWorker[] = [];
/** More work than any test waits for: such a job ends by being cancelled. */
const endless = { maxTokens: 100_000_000 };

beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), 'loomos-verified-'));
  coordinator = await startCoordinator({ data, port: 0, page: false });
  client = new LoomOSClient(coordinator);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  for (const { id } of await client.listJobs()) await client.cancelJob(id).catch(() => undefined);
});
afterAll(() => coordinator.close());

function start(options: Partial<ContributeOptions> = {}): TinyWorker {
  const worker = startTinyWorker(coordinator, options);
  workers.push(worker);
  return worker;
}

async function until<T>(look: () => T | Promise<T>, matches: (value: T) => boolean): Promise<T> {
  const found = async (): Promise<{ value: T } | undefined> => {
    const value = await look();
    return matches(value) ? { value } : undefined;
  };
  return vi.waitUntil(found, { timeout: 120_000, interval: 50 }).then(({ value }) => value);
}

const events = async <T>({ id }: JobView, type: string): Promise<T[]> =>
  (await client.ledgerEvents({ subject: id, type })).map(({ data }) => data as T);

/** Trains, and hands in noise as large as what it trained. */
function createFreeRider(): Trainer {
  const trainer = createCpuTrainer();
  const train = trainer.train.bind(trainer);
  trainer.train = async (assignment, onProgress) => {
    const contribution = await train(assignment, onProgress);
    const payload = contribution.payload.map((byte, i) => (i < 64 ? byte : (i * 7919 + assignment.seed) & 0xff));
    return { ...contribution, payload, hash: sha256Hex(payload) };
  };
  return trainer;
}

test('honest workers audit each other, agree, and store checkpoints that another has read', async () => {
  const job = await submitTinyJob(
    client,
    { ...endless, checkpointInterval: '1s' },
    { min: 3, max: 3 },
    {},
    { verification: { audits: 0.5 } },
  );
  for (let worker = 0; worker < 3; worker++) start();
  await until(
    () => events(job, 'checkpoint.stored'),
    ({ length }) => length > 1,
  );
  const audits = await until(
    () => events<{ isSame: boolean | null; cosine: number | null }>(job, 'shard.audited'),
    (list) => list.filter(({ isSame }) => isSame !== null).length > 3,
  );
  expect(audits.filter(({ isSame }) => isSame === false)).toEqual([]);
  expect(audits.every(({ cosine }) => cosine === null || cosine > 0.9999)).toBe(true); // one backend: the same bits
  await client.cancelJob(job.id);
  expect(await events(job, 'worker.quarantined')).toEqual([]);
  expect(await events(job, 'checkpoint.refused')).toEqual([]);
});

test('a worker that hands in noise is found by audits, banned, and told why; the others go on', async () => {
  const job = await submitTinyJob(
    client,
    endless,
    { min: 2, max: 4 },
    {},
    { verification: { gate: false, audits: 0.5 } },
  );
  const honest = [start(), start(), start()];
  const liar = start({ createTrainer: createFreeRider });
  const last = await liar.done;
  expect(last).toMatchObject({ phase: 'failed', reason: expect.stringMatching(/banned from the job: most workers/) });
  const [banned] = await events<{ workerId: string }>(job, 'worker.banned');
  expect(banned!.workerId).toBe(last.workerId);
  const { round } = await client.getJob(job.id);
  await until(
    () => client.getJob(job.id),
    (now) => now.round > round + 3,
  );
  expect(honest.every((worker) => worker.snapshot().phase !== 'failed')).toBe(true);
  await client.cancelJob(job.id);
});

test('noise does not pass the loss gate', async () => {
  const job = await submitTinyJob(client, endless, { min: 2, max: 6 }, {}, { verification: { gate: true, audits: 0 } });
  for (let worker = 0; worker < 5; worker++) start();
  const liar = start({ createTrainer: createFreeRider });
  const { workerId } = await until(
    () => liar.snapshot(),
    (snapshot) => snapshot.workerId !== null,
  );
  const refused = await until(
    () => events<{ workerId: string; finding: string }>(job, 'contribution.refused'),
    (list) => list.some((one) => one.workerId === workerId),
  );
  expect(refused.find((one) => one.workerId === workerId)!.finding).toMatch(/harmful|useless/);
  await client.cancelJob(job.id);
});
