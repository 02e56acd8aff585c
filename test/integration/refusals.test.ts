// What a room refuses: named, counted, and without harm to the job.

import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { signToken } from '../../coordinator/security/token.ts';
import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import {
  maxMessageBytes,
  parseRoomMessage,
  pingText,
  pongText,
  protocolVersion,
} from '../../shared/protocol/messages.ts';
import { env, errorOf, get, migrate, register, request, submit, until } from './api.ts';
import { openSocket, ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

const hello = (token: string, change: object = {}) =>
  JSON.stringify({
    type: 'hello',
    version: protocolVersion,
    token,
    peerId: 'peer-test',
    kind: 'node',
    backend: { kind: 'cpu', adapter: 'x' },
    tokensPerSecond: 1,
    holds: null,
    ...change,
  });

/** The code with which a fresh socket is refused after saying this, and that with which it is closed. */
async function refusalOf(jobId: string, data: string | ArrayBuffer): Promise<{ code: string; closed: number }> {
  const socket = await openSocket(jobId);
  const answer = new Promise<string>((resolve) =>
    socket.addEventListener('message', (event) => resolve(event.data as string)),
  );
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  socket.send(data);
  const message = parseRoomMessage(await answer);
  return { code: message.type === 'refused' ? message.code : message.type, closed: await closed };
}

test('sockets that do not identify themselves are refused and closed', async () => {
  const { id } = await submit();
  const { workerId, token } = await register();
  const forged = await signToken('another secret', {
    use: 'worker',
    sub: workerId,
    kind: 'node',
    exp: Date.now() + 1000,
  });
  const expired = await signToken(env.LOOMOS_SECRET!, {
    use: 'worker',
    sub: workerId,
    kind: 'node',
    exp: Date.now() - 1,
  });
  const changed = token.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'));
  for (const bad of ['nonsense', forged, expired, changed, '']) {
    expect(await refusalOf(id, hello(bad))).toEqual({ code: 'unauthorized', closed: 4401 });
  }
  expect(await refusalOf(id, '{"type":"pause"}')).toEqual({ code: 'unauthorized', closed: 4401 });
  expect(await refusalOf(id, hello(token, { version: 99, novelty: true }))).toEqual({
    code: 'unsupported_version',
    closed: 4400,
  });
  expect(await refusalOf(id, hello(token, { novelty: true }))).toEqual({ code: 'invalid_message', closed: 4400 });
  expect(await refusalOf(id, 'x'.repeat(maxMessageBytes + 1))).toEqual({ code: 'message_too_large', closed: 4400 });
  expect(await refusalOf(id, new ArrayBuffer(8))).toEqual({ code: 'invalid_message', closed: 4400 });
});

test('a member that talks nonsense is told so, stays, and the job goes on', async () => {
  const { id } = await submit();
  const first = await ProtocolWorker.join(id);
  await first.next('welcome');
  const nonsense = ['not JSON', '{}', '{"type":"dance"}', '{"type":"pause","extra":1}', '{"type":"commit","round":-1}'];
  for (const text of nonsense) first.sayText(text);
  await first.next('refused', nonsense.length - 1);
  expect(first.heard('refused').every(({ code, message }) => code === 'invalid_message' && message !== '')).toBe(true);
  first.commit(7);
  expect(await first.next('refused', nonsense.length)).toMatchObject({ code: 'conflict' });
  expect(first.closed).toBeNull();
  const second = await ProtocolWorker.join(id);
  await until(async () => (await get<JobView>(`jobs/${id}`)).state === 'completed', 'the job to complete');
  expect(second.state).toBe(first.state);
  const { lines } = await get<{ lines: LogLine[] }>(`jobs/${id}/logs`);
  expect(lines.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      '4 messages refused so far with invalid_message.',
      '1 message refused so far with conflict.',
    ]),
  );
});

test('a sender that does not learn is cut off', async () => {
  const { id } = await submit();
  const worker = await ProtocolWorker.join(id);
  await worker.next('welcome');
  for (let i = 0; i < 40; i++) worker.sayText('{}');
  await until(() => worker.closed, 'the socket to be closed');
  expect(worker.heard('refused').length).toBeGreaterThanOrEqual(21); // one more for every ten seconds it takes
  const { workers } = await get<JobView>(`jobs/${id}`);
  expect(workers.filter(({ present }) => present)).toEqual([]);
});

test('a second connection of a worker replaces the first without a goodbye', async () => {
  const { id } = await submit({ runtime: { maxTokens: 100_000 } });
  const worker = await ProtocolWorker.join(id);
  await worker.next('welcome');
  await worker.connect();
  await worker.next('welcome', 1);
  const { lines } = await get<{ lines: LogLine[] }>(`jobs/${id}/logs`);
  expect(lines.filter(({ text }) => text.includes('left'))).toEqual([]);
  expect((await get<JobView>(`jobs/${id}`)).workers).toEqual([
    expect.objectContaining({ workerId: worker.id, present: true }),
  ]);
});

test('pings are answered; who falls silent, or never says who it is, is hung up on', async () => {
  const { id } = await submit();
  const stub = env.ROOMS.get(env.ROOMS.idFromName(id));
  const worker = await ProtocolWorker.join(id);
  const stranger = await openSocket(id);
  const closed = new Promise<number>((resolve) => stranger.addEventListener('close', ({ code }) => resolve(code)));
  await worker.next('welcome');
  const pong = new Promise((resolve) => stranger.addEventListener('message', ({ data }) => resolve(data)));
  stranger.send(pingText);
  expect(await pong).toBe(pongText);
  await runInDurableObject(stub, (_, state) => {
    for (const socket of state.getWebSockets()) {
      socket.serializeAttachment({ ...(socket.deserializeAttachment() as object), openedAt: 0, seenAt: 0 });
    }
  });
  await runDurableObjectAlarm(stub);
  expect(await closed).toBe(4401);
  expect((await until(() => worker.closed, 'the silent one to be closed')).code).toBe(4408);
  expect((await get<JobView>(`jobs/${id}`)).workers).toEqual([expect.objectContaining({ present: false })]);
});

test('only sockets from this site and to a job that exists are taken', async () => {
  const { id } = await submit();
  const upgrade = { upgrade: 'websocket' };
  expect(await errorOf(request(`jobs/${id}/room`))).toMatchObject({ status: 400, where: 'upgrade' });
  expect(
    await errorOf(request(`jobs/${id}/room`, { headers: { ...upgrade, origin: 'https://elsewhere.test' } })),
  ).toMatchObject({ status: 403 });
  expect(await errorOf(request('jobs/whale-zzzzzz/room', { headers: upgrade }))).toMatchObject({ status: 404 });
});
