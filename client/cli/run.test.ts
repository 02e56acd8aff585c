// `loomos run` end to end: a user's own text, two headless workers, a real coordinator on workerd, WebRTC between the workers.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Report } from './report.ts';

vi.setConfig({ testTimeout: 150_000 });

const main = join(import.meta.dirname, 'main.ts');
const words = 'the whale the sea the ship the captain and the harpoon said nothing to nobody at all today'.split(' ');

/** Text that letter pairs do not explain: whole words, in an order of its own. */
function textOf(count: number): string {
  return Array.from({ length: count }, (_, i) => words[(i * i + 3 * i) % words.length]).join(' ');
}

/** A folder with a manifest for a tiny model and the text it names. */
function project(text: string, runtime: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'loomos-run-'));
  writeFileSync(join(folder, 'my.txt'), text);
  writeFileSync(
    join(folder, 'job.yaml'),
    `apiVersion: loomos.ai/v1
kind: TrainingJob
metadata: { name: own-text }
spec:
  algorithm: lm
  model: { kind: gpt, layers: 1, heads: 2, width: 32, context: 32 }
  data: { source: 'file:./my.txt', validationFraction: 0.1 }
  optimizer: { learningRate: 1.0e-2, batchSize: 8 }
  rounds: { innerSteps: 10 }
  resources: { workers: { min: 2 } }
  runtime: ${runtime}
`,
  );
  return folder;
}

/** Runs `loomos` in a folder; `whileRunning` sees what it says on the way. */
function loomos(
  folder: string,
  args: string[],
  whileRunning: (said: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
) {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    whileRunning(stderr, (signal) => child.kill(signal));
  });
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, stdout, stderr })),
  );
}

test('trains a model of a text of one’s own and leaves all that was promised', async () => {
  const folder = project(textOf(6000), '{ maxTokens: 80000, maxDuration: 2m }');
  const { status, stdout, stderr } = await loomos(folder, [
    'run',
    'job.yaml',
    '--workers',
    '2',
    '--out',
    'out',
    '--port',
    '0',
    '--json',
  ]);
  expect(stderr).toMatch(/coordinator and page: http:/);
  expect(status, stderr).toBe(0);
  const fileOf = (name: string) => readFileSync(join(folder, 'out', name));
  const report = JSON.parse(fileOf('report.json').toString()) as Report;
  expect(JSON.parse(stdout)).toEqual(report);
  expect(report.state).toBe('completed');
  expect(report.tokens).toBeGreaterThan(60_000);
  expect(report.rounds).toBeGreaterThan(3);
  expect(report.stateHashes).toHaveLength(report.rounds);
  for (const hash of report.stateHashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(report.valLossStart).toBeGreaterThan(5);
  expect(report.bigramLoss).toBeLessThan(report.unigramLoss!);
  expect(report.valLossEnd).toBeLessThan(report.bigramLoss!);
  expect(report.workers).toHaveLength(2);
  for (const worker of report.workers) {
    expect(worker).toMatchObject({
      kind: 'node',
      id: expect.stringMatching(/^w-/),
      adapter: expect.stringMatching(/./),
    });
    for (const value of [worker.tokensPerSecond, worker.tokens, worker.bytesSent, worker.bytesReceived])
      expect(value).toBeGreaterThan(0);
  }
  expect(report.ledger).toMatchObject({ verified: true, root: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(report.ledger.events).toBeGreaterThan(report.rounds);
  expect(fileOf('loss.svg').toString()).toMatch(/^<svg /);
  expect(JSON.parse(fileOf('config.json').toString())).toBeTypeOf('object');
  expect(JSON.parse(fileOf('tokenizer.json').toString())).toBeTypeOf('object');
  expectSafetensors(fileOf('model.safetensors'));
});

test('Ctrl-C ends everything in order: exit 130, and no process stays behind', async () => {
  const folder = project(textOf(6000), '{ maxDuration: 10m }');
  let url = '';
  const { status, stderr } = await loomos(folder, ['run', 'job.yaml', '--port', '0'], (said, kill) => {
    url = /http:\/\/[\d.:]+/.exec(said)?.[0] ?? '';
    if (/round \d+ /.test(said)) kill('SIGINT');
  });
  expect(status, stderr).toBe(130);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test.each([
  ['an empty text', '', /my\.txt is empty/],
  ['a text that is too short', 'too short', /spec\.data\.source: .*(few|short)/],
])('%s ends in one message and exit 2', async (_, text, message) => {
  const folder = project(text, '{ maxTokens: 1000 }');
  const { status, stderr } = await loomos(folder, ['run', 'job.yaml', '--out', 'out', '--port', '0']);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

/** 8 bytes of header length, a JSON header, then the tensors that it describes: https://github.com/huggingface/safetensors */
function expectSafetensors(bytes: Buffer): void {
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString()) as Record<
    string,
    { data_offsets?: [number, number] }
  >;
  const ends = Object.values(header).map((tensor) => tensor.data_offsets?.[1] ?? 0);
  expect(8 + headerBytes + Math.max(...ends)).toBe(bytes.length);
}
