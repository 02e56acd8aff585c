import { expect, test } from 'vitest';
import { decideWork } from './decide.ts';
import type { Candidate } from './decide.ts';

function job(id: string, change: Partial<Candidate> = {}): Candidate {
  return {
    id,
    name: id,
    state: 'running',
    createdAt: 0,
    min: 2,
    max: 4,
    present: 2,
    countsWorker: false,
    etaMs: null,
    versionNeeded: 1,
    ...change,
  };
}

const chosen = (lastJobId: string | null, jobs: Candidate[]) => {
  const decision = decideWork(lastJobId, jobs, 2);
  return decision.type === 'job' ? decision.jobId : null;
};

test('a job that cannot start yet comes before one that runs', () => {
  expect(chosen(null, [job('runs', { present: 3 }), job('starts', { present: 1, createdAt: 9 })])).toBe('starts');
  expect(chosen(null, [job('one-missing', { present: 1 }), job('two-missing', { present: 0, createdAt: 9 })])).toBe(
    'two-missing',
  );
});

test('among running jobs the emptier one is filled, then the older one', () => {
  expect(chosen(null, [job('full-ish', { present: 3 }), job('empty-ish', { max: 10 })])).toBe('empty-ish');
  expect(chosen(null, [job('new', { createdAt: 2 }), job('old', { createdAt: 1 })])).toBe('old');
});

test('a worker goes back to its job, unless its place was taken', () => {
  const full = { present: 4 };
  expect(chosen('mine', [job('needy', { present: 0 }), job('mine')])).toBe('mine');
  expect(chosen('mine', [job('needy', { present: 0 }), job('mine', full)])).toBe('needy');
  expect(chosen('mine', [job('needy', { present: 0 }), job('mine', { ...full, countsWorker: true })])).toBe('mine');
  expect(chosen('mine', [job('needy', { present: 0 }), job('mine', { state: 'finishing' })])).toBe('mine');
});

test('a job that is only being stored gets no new worker', () => {
  expect(decideWork(null, [job('done', { state: 'finishing' })], 2).type).toBe('wait');
});

test('who waits is told why and when to ask again', () => {
  expect(decideWork(null, [], 2)).toEqual({
    type: 'wait',
    reason: expect.stringContaining('No job is running'),
    retryMs: 2_000,
  });
  expect(decideWork(null, [job('whale', { present: 4, etaMs: 240_000 })], 2)).toEqual({
    type: 'wait',
    reason: 'whale has all the workers it asked for, the next ends in about 4 min.',
    retryMs: 15_000,
  });
  const two = [job('a', { present: 4, etaMs: 20_000 }), job('b', { present: 4 })];
  expect(decideWork(null, two, 2)).toMatchObject({
    reason: 'All 2 jobs have the workers they asked for, the next ends in about a minute.',
    retryMs: 5_000,
  });
});

test('an old worker gets a job that it can do, or is told that it has to be updated', () => {
  const later = job('later', { present: 0, versionNeeded: 2 });
  expect(decideWork('later', [later, job('plain')], 1)).toEqual({ type: 'job', jobId: 'plain' });
  expect(decideWork(null, [later], 1)).toMatchObject({
    type: 'wait',
    reason: 'later needs protocol 2; this worker speaks 1 and has to be updated.',
  });
});
