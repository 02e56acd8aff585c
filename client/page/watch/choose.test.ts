import { expect, test } from 'vitest';
import type { JobView } from '../../../shared/api/schemas.ts';
import { chooseJob, jobOfAddress } from './choose.ts';

const job = (id: string, state: JobView['state']) => ({ id, state }) as JobView;
const jobs = [
  job('new-aaaaaa', 'failed'),
  job('queued-bbbbbb', 'queued'),
  job('live-cccccc', 'running'),
  job('old-dddddd', 'completed'),
];

test('the address wins, then the tab’s own work, then the running job', () => {
  expect(chooseJob(jobs, 'old-dddddd', 'queued-bbbbbb')?.id).toBe('old-dddddd');
  expect(chooseJob(jobs, null, 'queued-bbbbbb')?.id).toBe('queued-bbbbbb');
  expect(chooseJob(jobs, 'unknown-eeeeee', null)?.id).toBe('live-cccccc');
});

test('without a live job it is the newest, and without any it is none', () => {
  expect(chooseJob([jobs[0]!, jobs[3]!], null, null)?.id).toBe('new-aaaaaa');
  expect(chooseJob([], null, null)).toBeNull();
});

test('only a job id in the address is one', () => {
  expect(jobOfAddress('#moby-dick-4f0c19')).toBe('moby-dick-4f0c19');
  expect(jobOfAddress('#job')).toBeNull();
  expect(jobOfAddress('')).toBeNull();
});
