// Whole jobs through the room, with workers that come, go and come late.

import { beforeAll, expect, test } from 'vitest';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { asOwner, errorOf, get, migrate, submit, until } from './api.ts';
import { payloadOf, ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

function ended(id: string): Promise<JobView> {
  return until(async () => {
    const job = await get<JobView>(`jobs/${id}`);
    return job.endedAt === null ? null : job;
  }, `the end of ${id}`);
}

/** Every state that these workers held, but for the first, is the agreed one of its round. */
async function expectSameStates(id: string, workers: readonly ProtocolWorker[]): Promise<void> {
  const { stateHashes } = await get<{ stateHashes: string[] }>(`jobs/${id}/metrics`);
  for (const { states } of workers) {
    const held = [...states].filter(([round]) => round > 0 && round <= stateHashes.length);
    expect(held.length).toBeGreaterThan(0);
    expect(held.map(([, state]) => state)).toEqual(held.map(([round]) => stateHashes[round - 1]));
  }
}

test('two workers train a job to its end', async () => {
  const job = await submit();
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const done = await ended(job.id);
  expect(done).toMatchObject({
    state: 'completed',
    progress: 1,
    tokens: expect.any(Number),
    evaluation: { loss: 2.1 },
    validationLoss: 2.1,
  });
  expect(done.workers.map(({ workerId }) => workerId).toSorted()).toEqual(workers.map(({ id }) => id).toSorted());
  expect(new Set(workers.map(({ state }) => state)).size).toBe(1);
  for (const worker of workers)
    expect(worker.heard('finish')).toEqual([{ type: 'finish', state: 'completed', reason: '' }]);

  const { stateHashes, losses } = await get<{ stateHashes: string[]; losses: unknown[] }>(`jobs/${job.id}/metrics`);
  expect(stateHashes.at(-1)).toBe(workers[0]!.state);
  expect(losses).toHaveLength(stateHashes.length);

  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}`);
  expect(events[0]!.type).toBe('job.submitted');
  expect(events.at(-1)!.type).toBe('job.finished');
  expect(events.filter(({ type }) => type === 'round.agreed')).toHaveLength(stateHashes.length);
  expect((await get<{ jobs: JobView[] }>('jobs?state=completed')).jobs.map(({ id }) => id)).toContain(job.id);
});

test('a round closes without a worker that vanished in it, and the job goes on when it is back', async () => {
  const job = await submit({ runtime: { maxTokens: 30_000 }, resources: { workers: { min: 2, max: 4 } } });
  let silent = true;
  const stays = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const leaves = await ProtocolWorker.join(job.id, { trains: ({ round }) => round === 0 || !silent });
  const { assignment } = await until(
    () => leaves.heard('assign').find(({ assignment }) => assignment.round > 0) ?? null,
    'its second round',
  );
  leaves.drop();
  const { closed } = await until(
    () => stays[0]!.heard('close').find(({ closed }) => closed.round === assignment.round) ?? null,
    'the round to close',
  );
  expect(closed.accepted.map(({ workerId }) => workerId).toSorted()).toEqual(stays.map(({ id }) => id).toSorted());
  silent = false;
  await leaves.connect();
  const done = await ended(job.id);
  expect(done.state).toBe('completed');
  await expectSameStates(job.id, [...stays, leaves]);
  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}&limit=1000`);
  expect(
    events.filter(({ type, data }) => type === 'worker.left' && 'workerId' in data && data.workerId === leaves.id),
  ).toHaveLength(1);
});

test('a late joiner is welcomed with what it needs to catch up and ends with the same state', async () => {
  const job = await submit({ runtime: { maxTokens: 25_000 } });
  const early = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(() => early[0]!.round >= 3, 'three rounds');
  const late = await ProtocolWorker.join(job.id);
  const welcome = await late.next('welcome');
  expect(welcome.round).toBeGreaterThanOrEqual(3);
  expect(welcome.log.length + (welcome.checkpoint?.round ?? 0)).toBe(welcome.round);
  expect(welcome.peers.map(({ workerId }) => workerId)).toEqual(
    expect.arrayContaining([...early.map(({ id }) => id), late.id]),
  );
  await late.next('assign');
  expect((await ended(job.id)).state).toBe('completed');
  await expectSameStates(job.id, [...early, late]);
});

test('a worker with another state is told to start over', async () => {
  const job = await submit({ runtime: { maxTokens: 200_000 } });
  const honest = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const wrong = await ProtocolWorker.join(job.id);
  await until(() => wrong.round >= 1, 'a round');
  wrong.state = payloadOf(wrong.id, 999);
  await wrong.next('resync');
  const { round } = wrong.heard('resync')[0]!;
  await until(() => wrong.round > round && honest[0]!.round > round, 'another round');
  expect(wrong.states.get(round + 1)).toBe(honest[0]!.states.get(round + 1));
});

test('a cancelled job ends for everyone', async () => {
  const job = await submit({ runtime: { maxTokens: 1_000_000 } });
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(() => workers[0]!.round >= 1, 'a round');
  const response = await asOwner(`jobs/${job.id}/cancel`, 'POST');
  expect(await response.json()).toMatchObject({ state: 'cancelled', reason: 'cancelled by its owner' });
  for (const worker of workers) expect(await worker.next('finish')).toMatchObject({ state: 'cancelled' });
  const latecomer = await ProtocolWorker.join(job.id);
  expect(await latecomer.next('finish')).toMatchObject({ state: 'cancelled' });
  expect(await errorOf(asOwner(`jobs/${job.id}/cancel`, 'POST'))).toMatchObject({ status: 409, code: 'conflict' });
});
