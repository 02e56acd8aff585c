import { expect, test } from 'vitest';
import type { JobView } from '../../../shared/api/schemas.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { keepArrived, refreshShown } from './shown.ts';
import type { ShownJob } from '../state.ts';

/** A coordinator that tells one job, and counts what it is asked for. */
function coordinatorOf(job: Partial<JobView>) {
  const asked: string[] = [];
  const answer = (name: string, value: unknown) => async () => {
    asked.push(name);
    return value;
  };
  const client = {
    getJob: answer('job', { id: 'a-000000', round: 3, state: 'running', dataset: { sha256: 'f'.repeat(64) }, ...job }),
    jobMetrics: answer('metrics', { losses: [{ round: 2 }] }),
    ledgerEvents: async ({ type }: { type?: string }) => {
      asked.push(type ?? 'events');
      return type === 'dataset.stored' ? [{ seq: 1, data: { source: 'file:./a.txt' } }] : [];
    },
    listArtifacts: answer('artifacts', [{ name: 'sample.txt', bytes: 5 }]),
    downloadArtifact: answer('sample', new TextEncoder().encode('Call.')),
  };
  return { client: client as unknown as LoomOSClient, asked };
}

test('a job that did not move costs one request', async () => {
  const { client, asked } = coordinatorOf({});
  const first = await refreshShown(null, 'a-000000', client);
  expect(asked.toSorted()).toEqual(['dataset.stored', 'events', 'job', 'metrics']);
  expect(first.source).toBe('file:./a.txt');
  asked.length = 0;
  await refreshShown(first, 'a-000000', client);
  expect(asked).toEqual(['job']);
});

test('a finished job comes with its files and what it writes', async () => {
  const { client } = coordinatorOf({ state: 'completed' });
  const shown = await refreshShown(null, 'a-000000', client);
  expect(shown.artifacts).toHaveLength(1);
  expect(shown.sample).toBe('Call.');
});

test('a refresh does not undo what arrived while it was under way', async () => {
  const { client } = coordinatorOf({});
  const refreshed = await refreshShown(null, 'a-000000', client);
  const line = { seq: 0, at: 0, level: 'info', text: 'round 0 closed' } as const;
  const current: ShownJob = { ...refreshed, log: [line], baselines: { unigramLoss: 3.1, bigramLoss: 2.4 } };
  expect(keepArrived(refreshed, current)).toEqual(current);
  expect(keepArrived(refreshed, { ...current, job: { ...current.job, id: 'b-000000' } })).toBe(refreshed);
});
