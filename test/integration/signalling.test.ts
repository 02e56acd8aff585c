// PeerJS's protocol between two sockets, as its client speaks it.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { shardName, shardOf, signallingFor } from '../../coordinator/cluster/door/shards.ts';
import { maxSignalBytes } from '../../coordinator/cluster/signal.ts';
import { asOwner, env, errorOf, migrate, request, submit, until } from './api.ts';

beforeAll(migrate);

type Signal = { type: string; src?: string; dst?: string; payload?: { msg?: string } };

class SignalClient {
  readonly heard: Signal[] = [];
  closed = false;
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.heard.push(JSON.parse(data as string) as Signal);
    });
    socket.addEventListener('close', () => {
      this.closed = true;
    });
    socket.accept();
  }

  static async connect(key: string, id: string, token = `token-of-${id}`): Promise<SignalClient> {
    const response = await request(`/peerjs?${new URLSearchParams({ key, id, token, version: '1.5.5' })}`, {
      headers: { upgrade: 'websocket' },
    });
    return new SignalClient(response.webSocket!);
  }

  say(signal: object): void {
    this.socket.send(JSON.stringify(signal));
  }

  next(type: string): Promise<Signal> {
    return until(() => this.heard.find((signal) => signal.type === type) ?? null, type);
  }
}

test('an offer reaches the peer with its true sender, and the answer comes back', async () => {
  const { id: key } = await submit();
  const [alice, bob] = await Promise.all([SignalClient.connect(key, 'alice'), SignalClient.connect(key, 'bobby')]);
  await Promise.all([alice.next('OPEN'), bob.next('OPEN')]);
  alice.say({ type: 'OFFER', src: 'mallory', dst: 'bobby', payload: { sdp: 'offer' } });
  expect(await bob.next('OFFER')).toEqual({ type: 'OFFER', src: 'alice', dst: 'bobby', payload: { sdp: 'offer' } });
  bob.say({ type: 'ANSWER', dst: 'alice', payload: { sdp: 'answer' } });
  expect(await alice.next('ANSWER')).toEqual({
    type: 'ANSWER',
    src: 'bobby',
    dst: 'alice',
    payload: { sdp: 'answer' },
  });
  bob.say({ type: 'CANDIDATE', dst: 'alice', payload: { candidate: 'c' } });
  expect(await alice.next('CANDIDATE')).toMatchObject({ src: 'bobby' });
  alice.say({ type: 'HEARTBEAT' });
  expect(await alice.next('HEARTBEAT')).toEqual({ type: 'HEARTBEAT' }); // the client ignores it; it lets the object sleep
  bob.say({ type: 'LEAVE', dst: 'alice' });
  expect(await alice.next('LEAVE')).toMatchObject({ src: 'bobby' });
});

test('what is meant for an absent peer waits for it, and expires if it does not come', async () => {
  const { id: key } = await submit();
  const alice = await SignalClient.connect(key, 'alice');
  alice.say({ type: 'OFFER', dst: 'later', payload: 1 });
  alice.say({ type: 'CANDIDATE', dst: 'later', payload: 2 });
  await alice.next('OPEN');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const later = await SignalClient.connect(key, 'later');
  await later.next('CANDIDATE');
  expect(later.heard.map(({ type }) => type)).toEqual(['OPEN', 'OFFER', 'CANDIDATE']);
  alice.say({ type: 'OFFER', dst: 'never', payload: 1 });
  alice.say({ type: 'CANDIDATE', dst: 'never', payload: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5_100));
  await runDurableObjectAlarm(env.SIGNALLING.get(env.SIGNALLING.idFromName(key)));
  expect(await alice.next('EXPIRE')).toEqual({ type: 'EXPIRE', src: 'never', dst: 'alice' });
  expect(alice.heard.filter(({ type }) => type === 'EXPIRE')).toHaveLength(1);
});

test('an id belongs to its token; its owner may come back', async () => {
  const { id: key } = await submit();
  const alice = await SignalClient.connect(key, 'alice');
  await alice.next('OPEN');
  const thief = await SignalClient.connect(key, 'alice', 'another token');
  expect(await thief.next('ID-TAKEN')).toMatchObject({ payload: { msg: 'ID is taken' } });
  await until(() => thief.closed, 'the thief to be hung up on');
  const again = await SignalClient.connect(key, 'alice');
  await again.next('OPEN');
  await until(() => alice.closed, 'the older socket to close');
  const bob = await SignalClient.connect(key, 'bobby');
  bob.say({ type: 'OFFER', dst: 'alice', payload: 1 });
  expect(await again.next('OFFER')).toMatchObject({ src: 'bobby' });
});

test('peers of a large job find each other wherever their sockets are', async () => {
  const maxWorkers = 2_000;
  const shards = signallingFor(maxWorkers);
  const { id: key } = await submit({ resources: { workers: { max: maxWorkers } } });
  const ids = ['alice', 'bobby', 'carol', 'david', 'edith'];
  const [far, ...rest] = ids.filter((id) => shardOf(id, shards) !== shardOf('alice', shards));
  expect(far, `one of ${ids.join()} in another of ${shards} shards than alice`).toBeDefined();
  const [alice, bob] = await Promise.all([SignalClient.connect(key, 'alice'), SignalClient.connect(key, far!)]);
  await Promise.all([alice.next('OPEN'), bob.next('OPEN')]);
  alice.say({ type: 'OFFER', dst: far, payload: 'offer' });
  for (let i = 0; i < 30; i++) alice.say({ type: 'CANDIDATE', dst: far, payload: i });
  await until(() => bob.heard.filter(({ type }) => type === 'CANDIDATE').length === 30, 'all candidates');
  expect(bob.heard.slice(1).map(({ type, src, payload }) => [type, src, payload])).toEqual([
    ['OFFER', 'alice', 'offer'],
    ...Array.from({ length: 30 }, (_, i) => ['CANDIDATE', 'alice', i]),
  ]);
  bob.say({ type: 'ANSWER', dst: 'alice', payload: 'answer' });
  expect(await alice.next('ANSWER')).toMatchObject({ src: far, payload: 'answer' });

  const late = rest[0] ?? 'nobody';
  alice.say({ type: 'OFFER', dst: late, payload: 1 });
  alice.say({ type: 'OFFER', dst: 'frank', payload: 1 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await (await SignalClient.connect(key, late)).next('OFFER')).toMatchObject({ src: 'alice' });
  await new Promise((resolve) => setTimeout(resolve, 5_100));
  for (let index = 0; index < shards; index++) {
    const name = shardName({ jobId: key, index, shards });
    await runDurableObjectAlarm(env.SIGNALLING.get(env.SIGNALLING.idFromName(name)));
  }
  expect(await alice.next('EXPIRE')).toEqual({ type: 'EXPIRE', src: 'frank', dst: 'alice' });
});

test('unknown keys, ended jobs, missing names, nonsense and large messages are refused', async () => {
  const { id: key } = await submit();
  expect(await (await SignalClient.connect('peerjs', 'alice')).next('INVALID-KEY')).toBeDefined();
  expect(await (await SignalClient.connect(key, 'a b')).next('ERROR')).toBeDefined();
  for (const text of [
    'nonsense',
    '{"type":"DANCE"}',
    '{"type":"OFFER"}',
    JSON.stringify({ type: 'OFFER', dst: 'bobby', payload: 'x'.repeat(maxSignalBytes) }),
  ]) {
    const client = await SignalClient.connect(key, 'alice');
    client.socket.send(text);
    expect((await client.next('ERROR')).payload?.msg).toMatch(/^(invalid_message|message_too_large): /);
    await until(() => client.closed, 'the socket to close');
  }
  await asOwner(`jobs/${key}/cancel`, 'POST');
  expect(await (await SignalClient.connect(key, 'alice')).next('INVALID-KEY')).toBeDefined();
  expect(await errorOf(request(`/peerjs?key=${key}&id=alice&token=t`))).toMatchObject({
    status: 400,
    where: 'upgrade',
  });
});
