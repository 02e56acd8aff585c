import { expect, test } from 'vitest';
import type { JobView, JobWorker } from '../../../shared/api/schemas.ts';
import { arrivals } from './watch.ts';

const worker = { workerId: 'w-aaaaaaaa', kind: 'node', adapter: 'CPU', present: true } as JobWorker;
const seen = (...workers: JobWorker[]): JobView => ({ workers }) as JobView;

test('a line for whoever comes or goes, with the reason if one is known', () => {
  const present = new Set<string>();
  expect(arrivals(present, seen(worker))).toEqual(['w-aaaaaaaa joined: node, CPU']);
  expect(arrivals(present, seen(worker))).toEqual([]);
  const gone = { ...worker, present: false, leftBecause: 'gave up after 5 failures in a row' };
  expect(arrivals(present, seen(gone))).toEqual(['w-aaaaaaaa left: gave up after 5 failures in a row']);
  expect(arrivals(present, seen(worker))).toHaveLength(1);
  expect(arrivals(present, seen({ ...worker, present: false }))).toEqual(['w-aaaaaaaa left']);
});
