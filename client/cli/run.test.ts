// `loomos run` end to end: a user's own text, two headless workers, a real coordinator on workerd, WebRTC between the workers.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Report } from './job/report.ts';
import { projectFolderWith, start, textOf } from './testing/loomos.ts';

vi.setConfig({ testTimeout: 600_000 });

test('trains a model of a text of one’s own and leaves all that was promised', async () => {
  const folder = projectFolderWith(textOf(6000), '{ maxTokens: 80000 }');
  const run = start(folder, ['run', 'job.yaml', '--workers', '2', '--out', 'out', '--port', '0', '--json']);
  const { status, stdout, stderr } = await run.ended;
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/coordinator and page: http:/);
  const fileOf = (name: string) => readFileSync(join(folder, 'out', name));
  const report = JSON.parse(fileOf('report.json').toString()) as Report;
  expect(JSON.parse(stdout)).toEqual(report);
  expectFullReport(report);
  expect(fileOf('loss.svg').toString()).toMatch(/^<svg /);
  expect(JSON.parse(fileOf('config.json').toString())).toBeTypeOf('object');
  expect(JSON.parse(fileOf('tokenizer.json').toString())).toBeTypeOf('object');
  expectSafetensors(fileOf('model.safetensors'));
});

function expectFullReport(report: Report): void {
  expect(report.state).toBe('completed');
  expect(report.tokens).toBeGreaterThan(60_000);
  expect(report.rounds).toBeGreaterThan(3);
  expect(report.stateHashes).toHaveLength(report.rounds);
  for (const hash of report.stateHashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(report.valLossStart).toBeGreaterThan(5);
  expect(report.bigramLoss).toBeLessThan(report.unigramLoss!);
  expect(report.valLossEnd).toBeLessThan(report.bigramLoss!);
  expect(report.workers).toHaveLength(2);
  for (const { id, kind, adapter, ...numbers } of report.workers) {
    expect([id, kind, adapter]).toEqual([expect.stringMatching(/^w-/), 'node', expect.stringMatching(/./)]);
    expect(Math.min(...Object.values(numbers))).toBeGreaterThan(0);
  }
  expect(report.ledger).toMatchObject({ verified: true, root: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(report.ledger.events).toBeGreaterThan(report.rounds);
}

/** 8 bytes of header length, a JSON header, then the tensors it describes: https://github.com/huggingface/safetensors */
function expectSafetensors(bytes: Buffer): void {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, { data_offsets?: [number, number] }>;
  const ends = Object.values(header).map((tensor) => tensor.data_offsets?.[1] ?? 0);
  expect(start + Math.max(...ends)).toBe(bytes.length);
}

test('Ctrl-C ends everything in order: exit 130, and nothing answers any more', async () => {
  const folder = projectFolderWith(textOf(6000), '{ maxTokens: 100000000 }');
  const run = start(folder, ['run', 'job.yaml', '--port', '0']);
  const [, url] = await run.said(/(http:\/\/[\d.:]+)/);
  await run.said(/round \d+ /);
  run.process.kill('SIGINT');
  const { status, stderr } = await run.ended;
  expect(status, stderr).toBe(130);
  await expect(fetch(url!)).rejects.toThrow('fetch failed');
});

test('a folder for the results that cannot be made is told before anything is trained', async () => {
  const folder = projectFolderWith(textOf(6000), '{ maxTokens: 100000000 }');
  const { status, stderr } = await start(folder, ['run', 'job.yaml', '--out', 'my.txt/out', '--port', '0']).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(/--out: .*my\.txt\/out cannot be made/);
});

test.each([
  ['an empty text', '', /my\.txt is empty/],
  ['a text that is too short', 'too short', /spec\.data\.source: .*few/],
])('%s ends in one message and exit 2', async (_, text, message) => {
  const folder = projectFolderWith(text, '{ maxTokens: 1000 }');
  const { status, stderr } = await start(folder, ['run', 'job.yaml', '--out', 'out', '--port', '0']).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});
