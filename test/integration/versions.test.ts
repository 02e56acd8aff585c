// A rolling update: workers of the protocol before this one and of a later one, beside today's, under one room.

import { beforeAll, expect, test } from 'vitest';
import type { JobView, Work } from '../../shared/api/schemas.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';
import { manifest2 } from '../../shared/protocol/testing/version-2.ts';
import { manifest1 } from '../../shared/protocol/testing/version-1.ts';
import { asOwner, asWorker, errorOf, get, migrate, register, request, submit, until } from './api.ts';
import { openSocket, ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

test('old and new workers train one job together, each in its own words', async () => {
  const job = await submit({ resources: { workers: { min: 3, max: 3 } } });
  const old = await ProtocolWorker.join(job.id, { version: 1 });
  const newer = await ProtocolWorker.join(job.id, { version: 2 });
  const today = await ProtocolWorker.join(job.id);
  const view = await until(async () => {
    const now = await get<JobView>(`jobs/${job.id}`);
    return now.endedAt === null ? null : now;
  }, 'the end of the job');
  expect(view).toMatchObject({ state: 'completed', reason: '' });
  expect([old.state, newer.state]).toEqual([today.state, today.state]);
  const workers = [old, newer, today];
  expect(workers.map((worker) => worker.heard('welcome')[0]!.version)).toEqual([1, 2, protocolVersion]);
  expect(view.workers.map(({ roundsAccepted }) => roundsAccepted)).toEqual(Array.from(workers, () => view.round));
});

test('an old worker may come back to a job in the words it knows', async () => {
  const job = await submit({ runtime: { maxTokens: 100_000_000 } });
  const [old] = await Promise.all([ProtocolWorker.join(job.id, { version: 1 }), ProtocolWorker.join(job.id)]);
  await until(() => old.round >= 2, 'two rounds');
  old.drop();
  await until(() => old.closed, 'the socket to close');
  await old.connect();
  const { round } = await old.next('welcome', 1);
  await until(() => old.round > round + 1, 'further rounds');
  expect(old.heard('refused')).toEqual([]);
  await asOwner(`jobs/${job.id}/cancel`, 'POST');
});

test('a job that needs more than an old worker knows refuses it, and the queue says why it waits', async () => {
  const { token, workerId } = await register();
  for (const { id } of (await get<{ jobs: JobView[] }>('jobs?limit=200')).jobs)
    await asOwner(`jobs/${id}/cancel`, 'POST');
  const groups = await submit({ rounds: { topology: 'groups' } });
  const old = await ProtocolWorker.join(groups.id, { version: 1 });
  expect(await old.next('refused')).toMatchObject({
    code: 'unsupported_version',
    message: 'this job needs protocol 2, this worker speaks 1; it has to be updated',
  });
  await until(() => old.closed, 'the socket to close');
  const workOf = async (headers: Record<string, string>): Promise<Work> => {
    const authorization = `Bearer ${token}`;
    return (await request('workers/me/work', { headers: { authorization, ...headers } })).json<Work>();
  };
  expect(await workOf({})).toMatchObject({ type: 'wait', reason: expect.stringMatching(/needs protocol 2.*updated/) });
  expect(await workOf({ 'loomos-protocol': '2' })).toMatchObject({ type: 'job', job: { id: groups.id } });
  await asOwner(`jobs/${groups.id}/cancel`, 'POST');

  const plain = await submit();
  const work = await (await asWorker(token, 'workers/me/work')).json<Work>();
  expect(work, workerId).toMatchObject({ type: 'job', job: { id: plain.id } });
  expect(manifest1.safeParse(work.type === 'job' && work.job.manifest).error).toBeUndefined();
});

test('a worker of protocol 2 is told of a job with staleness that it has to be updated, and reads the manifests of others', async () => {
  const { token } = await register();
  const workOf = async (): Promise<Work> => {
    const headers = { authorization: `Bearer ${token}`, 'loomos-protocol': '2' };
    return (await request('workers/me/work', { headers })).json<Work>();
  };
  for (const { id } of (await get<{ jobs: JobView[] }>('jobs?limit=200')).jobs)
    await asOwner(`jobs/${id}/cancel`, 'POST');
  const job = await submit({ rounds: { staleness: 1 } });
  const older = await ProtocolWorker.join(job.id, { version: 2 });
  const message = 'this job needs protocol 3, this worker speaks 2; it has to be updated';
  expect(await older.next('refused')).toMatchObject({ code: 'unsupported_version', message });
  expect(await workOf()).toMatchObject({ type: 'wait', reason: expect.stringMatching(/needs protocol 3.*updated/) });
  await submit({ rounds: { compression: 'sign' } });
  const work = await workOf();
  expect(manifest2.safeParse(work.type === 'job' && work.job.manifest).error).toBeUndefined();
});

test('a later worker that speaks our version too is welcomed in it; one that does not is told who has to be updated', async () => {
  const job = await submit();
  const { token } = await register();
  const hello = {
    type: 'hello',
    token,
    peerId: 'peer-later',
    kind: 'node',
    backend: { kind: 'cpu', adapter: 'x' },
    tokensPerSecond: 1,
    holds: null,
    novelty: { of: 'a later version' },
  };
  const answerTo = async (versions: object): Promise<Record<string, unknown>> => {
    const socket = await openSocket(job.id);
    const answer = new Promise<string>((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(data as string), { once: true }),
    );
    socket.send(JSON.stringify({ ...hello, ...versions }));
    return JSON.parse(await answer) as Record<string, unknown>;
  };
  expect(await answerTo({ version: 9, oldest: 2 })).toMatchObject({ type: 'welcome', version: protocolVersion });
  expect(await answerTo({ version: 9, oldest: 8 })).toMatchObject({
    code: 'unsupported_version',
    message: 'this worker speaks protocols 8 to 9; the coordinator has to be updated',
    allowed: `1 to ${protocolVersion}`,
  });
  expect(await answerTo({ version: protocolVersion })).toMatchObject({ code: 'invalid_message' });
  const registration = { kind: 'node', adapter: 'x' };
  const registering = (versions: object) =>
    errorOf(request('workers', { method: 'POST', body: JSON.stringify({ ...registration, ...versions }) }));
  expect(await registering({ version: 0 })).toMatchObject({
    status: 426,
    message: expect.stringContaining('the worker has to be updated'),
  });
  const later = await request('workers', {
    method: 'POST',
    body: JSON.stringify({ ...registration, version: 9, oldest: 2 }),
  });
  expect(later.status).toBe(201);
});
