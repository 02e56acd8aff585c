// Headless workers and coordinators as processes, and what happens to a job when they are killed.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test, vi } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import { LoomOSClient } from '../sdk/client.ts';
import type { WorkerSnapshot } from '../worker/events.ts';
import type { HeadlessOptions } from './headless.ts';
import { submitTinyJob } from '../worker/testing/tiny-job.ts';

vi.setConfig({ testTimeout: 300_000 });

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'loomos-headless-'));
const processes: ChildProcess[] = [];
afterEach(() => Promise.all(processes.splice(0).map((child) => kill(child))));

function run(script: string, ...words: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  return child;
}

function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  child.kill(signal);
  return ended(child);
}

/** The exit code, also of a process that has ended already. */
async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

interface Served {
  process: ChildProcess;
  client: LoomOSClient;
  url: string;
}

async function serve(data: string, port = 0): Promise<Served> {
  const child = run('embed/testing/serve.ts', data, String(port));
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { url, ownerToken } = JSON.parse(line) as { url: string; ownerToken: string };
  return { process: child, url, client: new LoomOSClient({ url, ownerToken }) };
}

interface Headless {
  process: ChildProcess;
  last(): WorkerSnapshot | null;
}

function startWorker(coordinator: string, changes: Partial<HeadlessOptions> = {}): Headless {
  const usual: HeadlessOptions = {
    coordinator,
    name: '',
    data: null,
    backend: 'cpu',
    load: 1,
    once: false,
    json: true,
  };
  const child = run('main.ts', JSON.stringify({ ...usual, ...changes }));
  let last: WorkerSnapshot | null = null;
  createInterface({ input: child.stdout! }).on('line', (line) => (last = JSON.parse(line) as WorkerSnapshot));
  return { process: child, last: () => last };
}

function until(client: LoomOSClient, { id }: JobView, matches: (job: JobView) => boolean): Promise<JobView> {
  const look = async (): Promise<JobView | undefined> => {
    const job = await client.getJob(id);
    return matches(job) ? job : undefined;
  };
  return vi.waitUntil(look, { timeout: 120_000, interval: 100 }) as Promise<JobView>;
}

const stateHashes = async (client: LoomOSClient, job: JobView): Promise<string[]> =>
  (await client.jobMetrics(job.id)).stateHashes;

/** More work than any test waits for: such a job ends by being cancelled, however fast or slow the machine is. */
const endless = { maxTokens: 100_000_000 };

test('kill -9 of a worker in mid-round: the round closes without it', async () => {
  const { client, url } = await serve(newFolder());
  const job = await submitTinyJob(client, endless, { min: 1, max: 3 });
  const [a, b] = [startWorker(url), startWorker(url)];
  const haveWorked = ({ workers }: JobView): boolean =>
    workers.filter((worker) => worker.roundsAccepted > 0).length === 2;
  const { round } = await until(client, job, haveWorked);
  await kill(b.process);
  const later = await until(client, job, (now) => now.round > round + 3);
  expect(later.workers.map(({ present }) => present).toSorted()).toEqual([false, true]);
  await client.cancelJob(job.id);
  await vi.waitUntil(() => a.last()?.phase === 'idle', { timeout: 60_000 }); // it goes on waiting for work
  expect(await kill(a.process, 'SIGTERM')).toBe(0);
});

test('kill -9 of the coordinator: the job goes on from the last closed round', async () => {
  const data = newFolder();
  const first = await serve(data);
  const job = await submitTinyJob(first.client, endless, { min: 2, max: 2 });
  const workers = [startWorker(first.url, { once: true }), startWorker(first.url, { once: true })];
  await until(first.client, job, ({ round }) => round > 2);
  const before = await stateHashes(first.client, job);
  await kill(first.process);
  const second = await serve(data, Number(new URL(first.url).port));
  const { workers: members } = await until(second.client, job, ({ round }) => round > before.length + 3);
  expect(members.map(({ present }) => present)).toEqual([true, true]);
  await second.client.cancelJob(job.id);
  const after = await stateHashes(second.client, job);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.length).toBeGreaterThan(before.length);
  for (const worker of workers) expect(await ended(worker.process)).toBe(0);
});

test('kill -9 of everything: nothing that was accepted is lost', async () => {
  const [data, own] = [newFolder(), newFolder()];
  const first = await serve(data);
  const job = await submitTinyJob(first.client, endless, { min: 1, max: 1 });
  const worker = startWorker(first.url, { data: own });
  await until(first.client, job, ({ round }) => round > 2);
  const before = await stateHashes(first.client, job);
  await Promise.all([kill(worker.process), kill(first.process)]);
  const second = await serve(data, Number(new URL(first.url).port));
  const again = startWorker(second.url, { data: own, once: true });
  const later = await until(second.client, job, ({ round }) => round > before.length + 3);
  expect(later.workers).toHaveLength(1);
  expect(await kill(again.process, 'SIGTERM')).toBe(0); // it drains: finishes its part, and stores the state that it alone holds
  await second.client.cancelJob(job.id);
  expect((await stateHashes(second.client, job)).slice(0, before.length)).toEqual(before);
  const lines = await second.client.jobLogs(job.id);
  expect(lines.filter(({ text }) => /went back/.test(text))).toEqual([]);
  expect(lines.filter(({ text }) => /left at round \d+: its process was told to end/.test(text))).toHaveLength(1);
});

test('without a coordinator it says so, keeps trying, and ends when told to', async () => {
  const { process: child, last } = startWorker('http://127.0.0.1:1');
  await vi.waitUntil(() => /cannot reach the coordinator/.test(last()?.reason ?? ''), { timeout: 60_000 });
  expect(last()).toMatchObject({ phase: 'connecting' });
  expect(await kill(child, 'SIGINT')).toBe(0);
});
