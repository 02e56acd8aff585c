// Whole jobs through the room, with workers that come, go and come late.

import { beforeAll, expect, test } from 'vitest';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { get, migrate, submit, until } from './api.ts';
import { payloadOf, ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

function ended(id: string): Promise<JobView> {
  return until(async () => {
    const job = await get<JobView>(`jobs/${id}`);
    return job.endedAt === null ? null : job;
  }, `the end of ${id}`);
}

test('two workers train a job to its end', async () => {
  const job = await submit();
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const done = await ended(job.id);
  expect(done).toMatchObject({ state: 'completed', progress: 1, tokens: expect.any(Number), evaluation: { loss: 2.1 }, validationLoss: 2.1 });
  expect(done.workers.map(({ workerId }) => workerId).toSorted()).toEqual(workers.map(({ id }) => id).toSorted());
  expect(new Set(workers.map(({ state }) => state)).size).toBe(1);
  for (const worker of workers) expect(worker.heard('finish')).toEqual([{ type: 'finish', state: 'completed', reason: '' }]);

  const { stateHashes, losses } = await get<{ stateHashes: string[]; losses: unknown[] }>(`jobs/${job.id}/metrics`);
  expect(stateHashes.at(-1)).toBe(workers[0]!.state);
  expect(losses).toHaveLength(stateHashes.length);

  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}`);
  expect(events[0]!.type).toBe('job.submitted');
  expect(events.at(-1)!.type).toBe('job.finished');
  expect(events.filter(({ type }) => type === 'round.agreed')).toHaveLength(stateHashes.length);
  expect((await get<{ jobs: JobView[] }>('jobs?state=completed')).jobs.map(({ id }) => id)).toContain(job.id);
});
