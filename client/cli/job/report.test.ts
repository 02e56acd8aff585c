import { expect, test } from 'vitest';
import type { JobView } from '../../../shared/api/schemas.ts';
import { lossSvg } from './loss-svg.ts';
import { progressLine } from './progress.ts';
import { buildReport, summaryOf } from './report.ts';

const worker = {
  workerId: 'w-00000001',
  kind: 'node',
  adapter: 'SwiftShader',
  present: true,
  paused: false,
  tokensPerSecond: 2000,
  tokensAccepted: 20480,
  roundsAccepted: 2,
  bytesSent: 1_250_000,
  bytesReceived: 1_200_000,
} as const;

const job: JobView = {
  id: 'mine-abc123',
  name: 'mine',
  state: 'completed',
  reason: 'maxTokens reached',
  owner: 'owner',
  createdAt: 0,
  startedAt: 10_000,
  endedAt: 40_000,
  manifest: {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'mine' },
    spec: { algorithm: 'lm', model: { kind: 'gpt' }, data: { source: 'file:x' }, runtime: { maxTokens: 1e6 } },
  },
  dataset: { sha256: 'a'.repeat(64), bytes: 1000 },
  round: 2,
  tokens: 40960,
  tokensPerSecond: 4000,
  progress: 0.41,
  etaMs: 75_000,
  trainLoss: 2.5,
  validationLoss: 2.6,
  workers: [worker, { ...worker, workerId: 'w-00000002', present: false }],
  evaluation: { loss: 2.31, tokens: 9000, unigramLoss: 3.1, bigramLoss: 2.4 },
};

const losses = [
  { round: 0, tokens: 20480, trainLoss: 3.9, validationLoss: 5.55, at: 1 },
  { round: 1, tokens: 40960, trainLoss: 2.5, validationLoss: 2.6, at: 2 },
];
const outcome = {
  job,
  losses,
  stateHashes: ['b'.repeat(64), 'c'.repeat(64)],
  ledger: { events: 9, root: 'd'.repeat(64), verified: true, problem: null },
};

test('the report holds what a finished job must show', () => {
  expect(buildReport(outcome)).toMatchObject({
    job: 'mine-abc123',
    rounds: 2,
    tokens: 40960,
    valLossStart: 5.55,
    valLossEnd: 2.31,
    unigramLoss: 3.1,
    bigramLoss: 2.4,
    stateHashes: outcome.stateHashes,
    ledger: { events: 9, verified: true },
    seconds: 30,
  });
  expect(buildReport(outcome).workers[0]).toMatchObject({
    id: 'w-00000001',
    kind: 'node',
    adapter: 'SwiftShader',
    tokensPerSecond: 2000,
    bytesSent: 1_250_000,
    bytesReceived: 1_200_000,
  });
});

test('a job that ended early has a report too', () => {
  const early = { ...job, state: 'failed', startedAt: null, evaluation: null } as const;
  const report = buildReport({ ...outcome, job: early, losses: [] });
  expect(report).toMatchObject({ valLossStart: null, valLossEnd: null, bigramLoss: null, seconds: 0 });
  expect(summaryOf(report)).toContain('not measured');
});

test('the progress line says round, loss, speed, peers, bytes, share and time left', () => {
  expect(progressLine(job, null)).toBe(
    '41%  round 2  loss 2.500  validation 2.600  4,000 tokens/s  1 peer  2.5 MB sent  ETA 1 min 15 s',
  );
  expect(progressLine(job, 60)).toMatch(/^████████░{12} {2}41% .*…$/);
  expect(progressLine(job, 60).length).toBeLessThan(60);
  const waiting = { ...job, state: 'waiting', reason: 'needs 1 more worker', round: 0, tokens: 0 } as const;
  expect(progressLine(waiting, null)).toBe('waiting: needs 1 more worker (1 worker here)');
});

test('the loss curve draws both losses, both count models and the end', () => {
  const svg = lossSvg({
    lossUnit: 'byte',
    title: 'mine: <2> rounds',
    losses,
    unigramLoss: 3.1,
    bigramLoss: 2.4,
    valLossEnd: 2.31,
  });
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg).toContain('mine: &#60;2&#62; rounds');
  expect(svg.match(/class="mark"/g)).toHaveLength(2);
  expect(svg).toContain('>2.310<');
  expect(svg.match(/<path class="validation" d="M60\.0 [\d.]+L/g)).toHaveLength(1); // starts at no tokens
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test('the loss curve of a job without rounds is a chart still', () => {
  const svg = lossSvg({
    lossUnit: 'byte',
    title: 'empty',
    losses: [],
    unigramLoss: null,
    bigramLoss: null,
    valLossEnd: null,
  });
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
