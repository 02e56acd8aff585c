// The real coordinator on workerd, through the real SDK.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import type { ManifestInput } from '../../../shared/manifest/manifest.ts';
import { LoomOSClient, verifyLedger } from '../../sdk/index.ts';
import { startCoordinator } from './embed.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'loomos-embed-'));

vi.setConfig({ testTimeout: 240_000 });
const bytes = new TextEncoder().encode('It was the best of tests, it was the worst of tests. '.repeat(40));

const manifestFor = (sha256: string): ManifestInput => ({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'embedded' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt', layers: 1, heads: 2, width: 16, context: 16 },
    data: { source: `dataset:${sha256}` },
    runtime: { maxTokens: 1000 },
  },
});

test('a job goes in, is seen, followed and cancelled, and the ledger proves it', async () => {
  const coordinator = await startCoordinator({ data: newFolder(), port: 0, page: false });
  try {
    const client = new LoomOSClient(coordinator);
    const { sha256 } = await client.uploadDataset(bytes, { source: 'a test' });
    const job = await client.submitJob(manifestFor(sha256));
    expect(job).toMatchObject({ state: 'waiting', dataset: { sha256, bytes: bytes.length } });
    expect((await client.listJobs()).map(({ id }) => id)).toEqual([job.id]);
    const texts: string[] = [];
    for await (const { text } of client.followLogs(job.id)) {
      if (texts.push(text) === 1) await client.cancelJob(job.id);
    }
    expect(texts.at(-1)).toMatch(/cancelled/);
    expect(await client.getJob(job.id)).toMatchObject({ state: 'cancelled' });
    expect(await client.clusterStatus()).toMatchObject({ jobs: { cancelled: 1 }, workers: { present: 0 } });
    expect(await verifyLedger(client)).toMatchObject({ verified: true, problem: null });
    const stranger = new LoomOSClient({ url: coordinator.url, ownerToken: 'guessed' });
    await expect(stranger.cancelJob(job.id)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(client.getJob('embedded-000000')).rejects.toMatchObject({ code: 'not_found' });
  } finally {
    await coordinator.close();
  }
});

test('kill -9 loses nothing that was acknowledged and leaves no workerd behind', async () => {
  const data = newFolder();
  const first = await startElsewhere(data);
  const before = new LoomOSClient(first);
  const { sha256 } = await before.uploadDataset(bytes);
  const job = await before.submitJob(manifestFor(sha256));
  const workerd = Number(readFileSync(join(data, 'workerd.pid'), 'utf8'));
  const gone = new Promise((resolve) => first.process.once('exit', resolve));
  first.process.kill('SIGKILL');
  await gone;
  const second = await startCoordinator({ data, port: 0, page: false });
  try {
    expect(isRunning(workerd)).toBe(false);
    expect(await new LoomOSClient(second).getJob(job.id)).toMatchObject({ id: job.id, state: 'waiting' });
    expect(await verifyLedger(new LoomOSClient(second))).toMatchObject({ verified: true });
  } finally {
    await second.close();
  }
});

test('workerd itself killed comes back by itself on the same port', async () => {
  const data = newFolder();
  const coordinator = await startCoordinator({ data, port: 0, page: false });
  try {
    const client = new LoomOSClient({ ...coordinator, attempts: 15 }); // for as long as a slow machine starts workerd
    const { sha256 } = await client.uploadDataset(bytes);
    const job = await client.submitJob(manifestFor(sha256));
    process.kill(Number(readFileSync(join(data, 'workerd.pid'), 'utf8')), 'SIGKILL');
    expect(await client.getJob(job.id)).toMatchObject({ id: job.id, state: 'waiting' });
  } finally {
    await coordinator.close();
  }
});

/** A coordinator in a process of its own, which can be killed. */
async function startElsewhere(data: string): Promise<{ url: string; ownerToken: string; process: ChildProcess }> {
  const script = join(import.meta.dirname, 'testing', 'serve.ts');
  const child = spawn(process.execPath, [script, data], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  return { ...(JSON.parse(line) as { url: string; ownerToken: string }), process: child };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
