// Whole jobs: the real coordinator on workerd, real WebRTC between the workers, the real trainer.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { utf8 } from '../../shared/bytes.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';
import { createPeer } from '../node/rtc.ts';
import { LoomOSClient } from '../sdk/client.ts';
import type { Trainer } from '../train/trainer.ts';
import type { ContributeOptions } from './contribute.ts';
import { MemoryStore } from './store.ts';
import { createCpuTrainer, startTinyWorker, submitTinyJob } from './testing/tiny-job.ts';
import type { TinyWorker } from './testing/tiny-job.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let coordinator: Embedded;
let client: LoomOSClient;
const workers: TinyWorker[] = [];

beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), 'loomos-contribute-'));
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
  return vi
    .waitUntil(
      async () => {
        const value = await look();
        return matches(value) ? { value } : undefined;
      },
      { timeout: 120_000, interval: 50 },
    )
    .then(({ value }) => value);
}

const ended = ({ id }: JobView): Promise<JobView> =>
  until(
    () => client.getJob(id),
    (job) => job.endedAt !== null,
  );
const atRound = ({ id }: JobView, round: number): Promise<JobView> =>
  until(
    () => client.getJob(id),
    (job) => job.round >= round,
  );

/** More work than any test waits for: such a job ends by being cancelled, however fast or slow the machine is. */
const endless = { maxTokens: 100_000_000 };

/** The job completed, and everyone agreed on the state after every round. */
async function expectAgreement(job: JobView): Promise<JobView> {
  const done = await ended(job);
  expect(done).toMatchObject({ state: 'completed', reason: '' });
  const { stateHashes } = await client.jobMetrics(job.id);
  expect(stateHashes).toHaveLength(done.round);
  const lines = await client.jobLogs(job.id);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  return done;
}

test('two workers train a job to its end, with equal states and a model that learnt', async () => {
  const job = await submitTinyJob(client, { maxTokens: 12_000 }, { min: 2, max: 2 });
  const [a, b] = [start(), start()];
  const last = await Promise.all([a.done, b.done]);
  const done = await expectAgreement(job);
  expect(last.map(({ phase }) => phase)).toEqual(['finished', 'finished']);
  expect(last[0]!.tokensTrained + last[1]!.tokensTrained).toBe(done.tokens);
  expect(
    last[0]!.exchange.links[0] ?? a.snapshots.findLast(({ exchange }) => exchange.links.length > 0)!.exchange.links[0],
  ).toMatchObject({ via: 'webrtc' });
  expect(done.evaluation!.loss).toBeLessThan(done.evaluation!.unigramLoss);
  expect((await client.listArtifacts(job.id)).map(({ name }) => name)).toContain('model.safetensors');
});

test('a late joiner catches up from the log and has its work accepted', async () => {
  const job = await submitTinyJob(client, endless, { min: 1, max: 3 });
  start();
  await atRound(job, 5);
  const late = start();
  await until(
    () => late.snapshot(),
    ({ roundsAccepted }) => roundsAccepted > 2,
  );
  await client.cancelJob(job.id);
  expect((await late.done).phase).toBe('finished');
  const lines = await client.jobLogs(job.id);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  expect(late.snapshots.some(({ phase }) => phase === 'catching-up')).toBe(true);
});

test('a late joiner gets the checkpoint from its peers, and only the log since it from the room', async () => {
  const job = await submitTinyJob(client, { ...endless, checkpointInterval: 500 }, { min: 1, max: 3 });
  start();
  start();
  await until(
    () => client.jobLogs(job.id),
    (lines) => lines.some(({ text }) => /^Checkpoint of round [1-9]/.test(text)),
  );
  const late = start();
  await until(
    () => late.snapshot(),
    ({ roundsAccepted }) => roundsAccepted > 2,
  );
  await client.cancelJob(job.id);
  const said = late.snapshots.map(({ reason }) => reason).filter((reason) => reason.includes('checkpoint'));
  expect(said[0]).toMatch(/^Got the checkpoint of round \d+: \d+ KiB from [12] peers?\.$/);
  const lines = await client.jobLogs(job.id);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
});

test('streaming fragments: workers and a late joiner agree on every state', async () => {
  const rounds = { fragments: 2, compression: 'topk' as const, outerMomentum: 0.5 };
  const job = await submitTinyJob(client, { maxTokens: 40_000, checkpointInterval: 1000 }, { min: 1, max: 3 }, rounds);
  start();
  start();
  await atRound(job, 3);
  const late = start();
  await expectAgreement(job);
  expect(late.snapshot().roundsAccepted).toBeGreaterThan(0);
  const agreed = await client.ledgerEvents({ subject: job.id, type: 'round.agreed', limit: 1000 });
  expect(agreed.map(({ data }) => (data as { dissent: number }).dissent)).toEqual(agreed.map(() => 0));
});

test('DeMo: workers step together on gradients, a late joiner replays the steps with them, and the model learns', async () => {
  const compression = { kind: 'dct', density: 0.1 } as const;
  const rounds = { exchange: 'gradients', innerSteps: 2, compression } as const;
  const runtime = { maxTokens: 24_000, checkpointInterval: 1000 };
  const job = await submitTinyJob(client, runtime, { min: 1, max: 3 }, rounds, { optimizer: { kind: 'sign' } });
  start();
  start();
  await atRound(job, 5);
  const late = start();
  const done = await expectAgreement(job);
  expect(late.snapshot().roundsAccepted).toBeGreaterThan(0);
  expect(done.evaluation!.loss).toBeLessThan(done.evaluation!.unigramLoss);
  const agreed = await client.ledgerEvents({ subject: job.id, type: 'round.agreed', limit: 1000 });
  expect(agreed.map(({ data }) => (data as { dissent: number }).dissent)).toEqual(agreed.map(() => 0));
});

test('pausing stops the work of one, stopping ends it; the others go on', async () => {
  const job = await submitTinyJob(client, endless, { min: 1, max: 3 });
  const [a, b, c] = [start(), start(), start()];
  await until(
    () => [a, b, c].map((worker) => worker.snapshot().roundsAccepted),
    (accepted) => accepted.every((rounds) => rounds > 0),
  );
  a.pause();
  await until(
    () => a.snapshot(),
    ({ phase, reason }) => phase === 'paused' && reason !== '',
  );
  const { roundsAccepted } = a.snapshot();
  await b.stop();
  expect(b.snapshot()).toMatchObject({ phase: 'stopped' });
  const { round } = await client.getJob(job.id);
  await atRound(job, round + 3);
  expect(a.snapshot().roundsAccepted).toBeLessThanOrEqual(roundsAccepted + 1);
  a.resume();
  await until(
    () => a.snapshot(),
    (now) => now.roundsAccepted > roundsAccepted + 1,
  );
  expect((await client.getJob(job.id)).workers.filter(({ present }) => present)).toHaveLength(2);
});

test('a worker that drains finishes its part first, and none of its work is lost', async () => {
  const job = await submitTinyJob(client, endless, { min: 1, max: 3 });
  const [a, b] = [start(), start()];
  await until(
    () => [a, b].map((worker) => worker.snapshot()),
    (all) => all.every(({ roundsAccepted }) => roundsAccepted > 0),
  );
  await until(
    () => b.snapshot(),
    ({ phase }) => phase === 'training',
  );
  const { round } = await client.getJob(job.id);
  await b.drain('its machine is wanted', 120_000);
  expect(b.snapshot()).toMatchObject({ phase: 'stopped', reason: 'its machine is wanted' });
  const { workerId } = b.snapshot();
  const closed = await client.ledgerEvents({ subject: job.id, type: 'round.closed', limit: 1000 });
  const since = closed.map(({ data }) => data as { round: number; late: string[] }).filter((now) => now.round >= round);
  expect(since.flatMap(({ late }) => late)).not.toContain(workerId);
  await atRound(job, (await client.getJob(job.id)).round + 2); // the others go on
});

test('the last worker to drain stores the state; whoever comes next goes on from it', async () => {
  const job = await submitTinyJob(client, endless, { min: 1, max: 3 });
  const first = start();
  await until(
    () => first.snapshot(),
    ({ roundsAccepted }) => roundsAccepted > 1,
  );
  await first.drain('its machine is wanted', 120_000);
  const { round } = await client.getJob(job.id);
  start();
  await atRound(job, round + 2);
  const lines = await client.jobLogs(job.id);
  expect(lines.filter(({ text }) => /went back/.test(text))).toEqual([]);
  expect(lines.filter(({ text }) => text.includes(`Checkpoint of round ${round} `))).toHaveLength(1);
});

test('a worker that cannot reach its peers is served through the relay', async () => {
  const job = await submitTinyJob(client, endless, { min: 2, max: 2 });
  const island: ContributeOptions['createPeer'] = (id, options) => createPeer(id, { ...options, port: 9 });
  const [a, b] = [start(), start({ createPeer: island })];
  const isRelayed = (): boolean => a.snapshot().exchange.links[0]?.via === 'relay';
  await until(isRelayed, Boolean);
  const before = b.snapshot().roundsAccepted;
  await until(
    () => b.snapshot(),
    ({ roundsAccepted }) => roundsAccepted > before + 2,
  );
  expect(isRelayed()).toBe(true);
  await client.cancelJob(job.id);
  const { accepted } = (await client.ledgerEvents({ subject: job.id, type: 'round.closed' })).at(-1)!.data as {
    accepted: unknown[];
  };
  expect(accepted).toHaveLength(2);
});

test('a trainer that dies is replaced, and the worker goes on from the state it held', async () => {
  const job = await submitTinyJob(client, { maxTokens: 12_000 }, { min: 1, max: 1 });
  let trainers = 0;
  const worker = start({ createTrainer: () => (trainers++ === 0 ? dying(createCpuTrainer(), 3) : createCpuTrainer()) });
  await worker.done;
  await expectAgreement(job);
  expect(trainers).toBe(2);
  expect(worker.snapshots.some(({ reason }) => reason.includes('the thread is gone'))).toBe(true);
});

test('a worker that gives a job up tells the room why', async () => {
  const job = await submitTinyJob(client, { maxTokens: 12_000 }, { min: 1, max: 1 });
  const failing = (): Trainer => {
    const trainer = createCpuTrainer();
    trainer.train = async () => Promise.reject(new LoomError('conflict', 'the fan has stopped'));
    return trainer;
  };
  start({ createTrainer: failing, random: () => 0 });
  const [left] = await until(
    () => client.ledgerEvents({ subject: job.id, type: 'worker.left' }),
    (events) => events.length > 0,
  );
  expect(left!.data).toMatchObject({
    reason: expect.stringMatching(/^gave up after 5 failures in a row, .*the fan has stopped/),
  });
  await client.cancelJob(job.id);
});

/** A trainer whose thread ends when it should train this round. */
function dying(trainer: Trainer, round: number): Trainer {
  const train = trainer.train.bind(trainer);
  trainer.train = async (assignment, onProgress) => {
    if (assignment.round === round) throw new LoomError('unavailable', 'the thread is gone');
    return train(assignment, onProgress);
  };
  return trainer;
}

test('a token this coordinator did not issue is replaced by a new registration', async () => {
  const job = await submitTinyJob(client, { maxTokens: 3_000 }, { min: 1, max: 1 });
  const store = new MemoryStore();
  const stale = { workerId: 'w-000000000000', token: 'forged.token', coordinator: new URL(coordinator.url).href };
  await store.put('worker.json', utf8(JSON.stringify(stale)));
  const { phase, workerId } = await start({ store }).done;
  expect(phase).toBe('finished');
  expect(workerId).not.toBe(stale.workerId);
  await expectAgreement(job);
});

test('a wrong version, a forged token and garbage are refused by name, and the job is unharmed', async () => {
  const job = await submitTinyJob(client, { maxTokens: 8_000 }, { min: 2, max: 2 });
  start();
  const url = `${coordinator.url.replace('http', 'ws')}/api/v1/jobs/${job.id}/room`;
  const hello = {
    type: 'hello',
    version: protocolVersion,
    token: 'forged.token',
    peerId: 'peer-0000',
    kind: 'node',
    backend: { kind: 'cpu', adapter: 'none' },
    tokensPerSecond: 1,
    holds: null,
  };
  expect(await refusal(url, JSON.stringify(hello))).toBe('unauthorized');
  expect(await refusal(url, JSON.stringify({ ...hello, version: 99 }))).toBe('unsupported_version');
  expect(await refusal(url, 'garbage')).toBe('invalid_message');
  expect(await refusal(url, 'x'.repeat(300_000))).toBe('message_too_large');
  start();
  const done = await ended(job);
  expect(done.state).toBe('completed');
  expect(done.workers).toHaveLength(2);
});

/** The code with which a room refuses what was said to it. */
function refusal(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => socket.send(text));
    socket.addEventListener('error', () => reject(new Error('no connection')));
    socket.addEventListener('message', ({ data }) => {
      socket.close();
      const { type, code } = JSON.parse(String(data)) as { type: string; code: string };
      resolve(type === 'refused' ? code : type);
    });
  });
}
