// Whole jobs through the room, with workers that come, go and come late.

import { beforeAll, expect, test } from 'vitest';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import type { ClosedRound } from '../../shared/protocol/messages.ts';
import { asOwner, errorOf, get, migrate, submit, until } from './api.ts';
import { payloadOf } from '../../shared/protocol/testing/chain.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

function ended(id: string): Promise<JobView> {
  return until(async () => {
    const job = await get<JobView>(`jobs/${id}`);
    return job.endedAt === null ? null : job;
  }, `the end of ${id}`);
}

const endless = { runtime: { maxTokens: 100_000_000 } };

async function cancel(id: string): Promise<JobView> {
  return (await asOwner(`jobs/${id}/cancel`, 'POST')).json<JobView>();
}

/** The workers whose contributions were accepted in the first closed round that matches, as `worker` hears of it. */
async function contributors(worker: ProtocolWorker, matches: (closed: ClosedRound) => boolean): Promise<string[]> {
  const find = () => worker.heard('close').find(({ closed }) => matches(closed))?.closed ?? null;
  return (await until(find, 'a round to close')).accepted.map(({ workerId }) => workerId);
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

test('a round closes without a worker that vanished in it, and the worker is taken back', async () => {
  const job = await submit(endless);
  let silent = true;
  const stays = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const leaves = await ProtocolWorker.join(job.id, { trains: ({ round }) => round === 0 || !silent });
  const round = await until(
    () => leaves.heard('assign').find(({ assignment }) => assignment.round > 0)?.assignment.round ?? null,
    'its second round',
  );
  leaves.drop();
  const accepted = await contributors(stays[0]!, (closed) => closed.round === round);
  expect(accepted.toSorted()).toEqual(stays.map(({ id }) => id).toSorted());
  silent = false;
  await leaves.connect();
  expect(await contributors(stays[0]!, (closed) => closed.round > round && closed.accepted.length === 3)).toContain(
    leaves.id,
  );
  await cancel(job.id);
  await expectSameStates(job.id, [...stays, leaves]);
  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}&type=worker.left`);
  expect(events.map(({ data }) => data)).toEqual([{ workerId: leaves.id, round, reason: 'test' }]);
});

test('a late joiner is welcomed with what it needs to catch up, and takes part', async () => {
  const job = await submit(endless);
  const early = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(() => early[0]!.round >= 3, 'three rounds');
  const late = await ProtocolWorker.join(job.id);
  const welcome = await late.next('welcome');
  expect(welcome.round).toBeGreaterThanOrEqual(3);
  expect(welcome.log.length + (welcome.checkpoint?.round ?? 0)).toBe(welcome.round);
  const ids = [...early, late].map(({ id }) => id);
  expect(welcome.peers.map(({ workerId }) => workerId).toSorted()).toEqual(ids.toSorted());
  await contributors(early[0]!, ({ accepted }) => accepted.some(({ workerId }) => workerId === late.id));
  await cancel(job.id);
  await expectSameStates(job.id, [...early, late]);
});

test('a worker with another state is told to start over', async () => {
  const job = await submit(endless);
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
  const job = await submit(endless);
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(() => workers[0]!.round >= 1, 'a round');
  expect(await cancel(job.id)).toMatchObject({ state: 'cancelled', reason: 'cancelled by its owner' });
  for (const worker of workers) expect(await worker.next('finish')).toMatchObject({ state: 'cancelled' });
  const latecomer = await ProtocolWorker.join(job.id);
  expect(await latecomer.next('finish')).toMatchObject({ state: 'cancelled' });
  expect(await errorOf(asOwner(`jobs/${job.id}/cancel`, 'POST'))).toMatchObject({ status: 409, code: 'conflict' });
});

test('forty workers in groups: the room takes their messages together, and hears and says as much to each as in a small swarm', async () => {
  const rounds = { innerSteps: 2, topology: { kind: 'groups', groupSize: 8 } } as const;
  const job = await submit({ ...endless, rounds, resources: { workers: { min: 40, max: 40 } } });
  const workers = await Promise.all(Array.from({ length: 40 }, () => ProtocolWorker.join(job.id)));
  const [first] = workers;
  const isWhole = ({ accepted }: ClosedRound) => accepted.length === 5 && accepted.every(({ folds }) => folds === 8);
  await until(
    () => first!.heard('close').filter(({ closed }) => isWhole(closed)).length >= 3 || null,
    'three rounds in groups',
  );
  await cancel(job.id);
  await expectSameStates(job.id, workers);
  const closed = first!.heard('close').length;
  const aboutRounds = ['assign', 'committed', 'fold', 'close', 'agreed'] as const;
  for (const worker of workers) {
    const heard = aboutRounds.reduce((sum, type) => sum + worker.heard(type).length, 0);
    expect(heard / closed).toBeLessThan(15);
  }
});
