// Real peers: PeerJS on node-datachannel over loopback, introduced by the coordinator's own signalling. The relay is in memory.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/bytes.ts';
import { createPeer } from '../node/rtc.ts';
import type { PeerExchangeOptions } from './peer-exchange.ts';
import { MemoryRelay, Exchanges, introduce, linked, until } from './testing/peers.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let exchanges: Exchanges;
const start: Exchanges['start'] = (options) => exchanges.start(options);

beforeAll(async () => {
  exchanges = await Exchanges.begin();
});
afterEach(() => exchanges.closeAll());
afterAll(() => exchanges.coordinator.close());

function payloadOf(bytes: number): { payload: Uint8Array<ArrayBuffer>; hash: string } {
  const payload = new Uint8Array(bytes).map((_, i) => (i * 31 + bytes) % 251);
  return { payload, hash: sha256Hex(payload) };
}

test('two peers: payloads of 1 byte to 8 MB arrive by themselves, whole and counted', async () => {
  const [a, b] = [start(), start()];
  introduce(a, b);
  await until(() => linked(a, 1) && linked(b, 1));
  let bytes = 0;
  for (const size of [1, 65_480, 65_481, 300_000, 8_000_000]) {
    const { payload, hash } = payloadOf(size);
    a.exchange.publish(3, hash, payload);
    await until(() => b.exchange.has(hash));
    expect(sha256Hex(await b.exchange.obtain(3, hash, a.peer.peerId, 60_000))).toBe(hash);
    bytes += size;
  }
  expect(b.arrived).toHaveLength(5);
  expect(b.exchange.stats().bytesReceived).toBeGreaterThan(bytes);
  expect(b.exchange.stats().bytesReceived).toBeLessThan(bytes * 1.01 + 1000);
  expect(a.exchange.stats().bytesSent).toBe(b.exchange.stats().bytesReceived);
  expect(b.exchange.stats().refusedFrames).toBe(0);
});

test('three peers: a late one pulls from whoever has it, and both directions work at once', async () => {
  const [a, b] = [start(), start()];
  introduce(a, b);
  const first = payloadOf(1000);
  const second = payloadOf(700_000);
  a.exchange.publish(0, first.hash, first.payload);
  b.exchange.publish(0, second.hash, second.payload);
  await until(() => b.exchange.has(first.hash) && a.exchange.has(second.hash));
  const c = start();
  introduce(a, b, c);
  // `a` is named as the source of what only `b` published; both hold both by now.
  expect(sha256Hex(await c.exchange.obtain(0, second.hash, a.peer.peerId, 60_000))).toBe(second.hash);
  expect(await c.exchange.obtain(0, first.hash, null, 60_000)).toEqual(first.payload);
});

test('nobody has it: obtain ends in time and says so', async () => {
  const [a, b] = [start(), start()];
  introduce(a, b);
  await until(() => linked(a, 1));
  await expect(a.exchange.obtain(2, payloadOf(5).hash, b.peer.peerId, 700)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('a peer vanishes in mid-transfer: the payload comes from another', async () => {
  const [a, b, c] = [start(), start(), start()];
  const { payload, hash } = payloadOf(8_000_000);
  b.exchange.hold(1, hash, payload);
  introduce(a, b, c);
  await until(() => linked(c, 2));
  a.exchange.publish(1, hash, payload);
  const got = c.exchange.obtain(1, hash, a.peer.peerId, 60_000);
  await until(() =>
    c.exchange.stats().links.some((link) => link.peerId === a.peer.peerId && link.bytesReceived > 500_000),
  );
  a.exchange.close();
  expect(sha256Hex(await got)).toBe(hash);
});

test('peers that cannot connect exchange through the relay without noticing', async () => {
  const relay = new MemoryRelay();
  const island: PeerExchangeOptions['createPeer'] = (id, options) => createPeer(id, { ...options, port: 9 });
  const a = start({ relay, dialTimeoutMs: 300 });
  const b = start({ relay, dialTimeoutMs: 300, createPeer: island });
  introduce(a, b);
  const { payload, hash } = payloadOf(123_456);
  a.exchange.publish(0, hash, payload);
  expect(sha256Hex(await b.exchange.obtain(0, hash, a.peer.peerId, 60_000))).toBe(hash);
  await until(() => b.exchange.stats().links[0]?.via === 'relay');
});

test('a relay that answers with other bytes is refused and counted', async () => {
  const a = start({ relay: { get: async () => new Uint8Array([1, 2, 3]), put: async () => undefined } });
  await expect(a.exchange.obtain(0, payloadOf(9).hash, null, 50)).rejects.toMatchObject({ code: 'unavailable' });
  expect(a.exchange.stats().refusedFrames).toBeGreaterThan(0);
});

test('garbage is refused and counted, and its sender cut off; the others go on', async () => {
  const [a, b] = [start(), start()];
  introduce(a, b);
  await until(() => linked(a, 1) && linked(b, 1));
  // A stranger who speaks PeerJS but not our frames, listed as a member.
  const { port } = new URL(exchanges.coordinator.url);
  const liar = createPeer('peer-0000-liar', {
    host: '127.0.0.1',
    port: Number(port),
    path: '/',
    key: exchanges.jobId,
    secure: false,
    config: { iceServers: [] },
  });
  await new Promise((resolve) => liar.on('open', resolve));
  const listed = { ...a.peer, peerId: 'peer-0000-liar', workerId: 'w-liarliar' };
  b.exchange.setPeers([a.peer, b.peer, listed], 'mesh');
  const connection = liar.connect(b.peer.peerId, { serialization: 'raw', reliable: true });
  await new Promise((resolve) => connection.on('open', () => resolve(null)));
  const cutOff = new Promise((resolve) => connection.on('close', () => resolve(null)));
  for (const junk of ['text', new Uint8Array(3), new Uint8Array(200), new Uint8Array(70_000), 'a', 'b', 'c', 'd'])
    connection.send(junk);
  await cutOff;
  expect(b.exchange.stats().refusedFrames).toBe(8);
  expect(b.exchange.stats().links.find((link) => link.peerId === 'peer-0000-liar')?.state).toBe('failed');
  const { payload, hash } = payloadOf(5000);
  a.exchange.publish(0, hash, payload);
  expect(await b.exchange.obtain(0, hash, a.peer.peerId, 60_000)).toEqual(payload);
  liar.destroy();
});

test('a room that restarts forgets its members for a moment: their links stay, those who leave are dropped', async () => {
  const [a, b, c] = [start(), start(), start()];
  introduce(a, b, c);
  await until(() => linked(a, 2) && linked(b, 2));
  const { bytesReceived } = b.exchange.stats();
  for (const { exchange, peer } of [a, b]) exchange.setPeers([peer], 'mesh');
  c.exchange.close();
  await until(() => a.exchange.stats().links.length === 1);
  introduce(a, b);
  expect([linked(a, 1), linked(b, 1)]).toEqual([true, true]);
  const { payload, hash } = payloadOf(5000);
  a.exchange.publish(0, hash, payload);
  await until(() => b.exchange.has(hash));
  expect(b.exchange.stats().bytesReceived).toBeGreaterThan(bytesReceived);
});

test('the signalling server goes away: open links stay, new members are met when it is back', async () => {
  const [a, b] = [start(), start()];
  introduce(a, b);
  await until(() => linked(a, 1) && linked(b, 1));
  process.kill(Number(readFileSync(join(exchanges.data, 'workerd.pid'), 'utf8')), 'SIGKILL'); // it is started again by itself
  const { payload, hash } = payloadOf(5000);
  a.exchange.publish(0, hash, payload);
  await until(() => b.exchange.has(hash));
  const c = start();
  introduce(a, b, c);
  await until(() => linked(c, 2));
  expect(linked(b, 2)).toBe(true);
});
