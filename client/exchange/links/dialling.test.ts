// When links are dialled where the room has many workers dial at once: over a time, or as soon as they are needed.

import type { DataConnection, Peer, PeerOptions } from 'peerjs';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/bytes.ts';
import { createPeer } from '../../node/rtc.ts';
import { Exchanges, introduceOver, linked, until } from '../testing/peers.ts';
import type { Tested } from '../testing/peers.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const [hour, second] = [3_600_000, 1_000];
let exchanges: Exchanges;
const dials: { to: string; at: number }[] = [];

beforeAll(async () => {
  exchanges = await Exchanges.begin();
});
afterEach(() => {
  exchanges.closeAll();
  dials.length = 0;
});
afterAll(() => exchanges.coordinator.close());

/** @param chance what it draws wherever it draws */
function start(chance: number): Tested {
  const watched = (id: string, options: PeerOptions): Peer => {
    const peer = createPeer(id, options);
    const connect = peer.connect.bind(peer);
    peer.connect = (to, how): DataConnection => {
      dials.push({ to, at: performance.now() });
      return connect(to, how);
    };
    return peer;
  };
  return exchanges.start({ createPeer: watched, random: () => chance });
}

test('each link is dialled at a moment that its worker draws', async () => {
  const begunAt = performance.now();
  const [a, b, c] = [start(0.3), start(0.6), start(0)];
  introduceOver(10 * second, a, b, c);
  await until(() => linked(a, 2) && linked(b, 2) && linked(c, 2));
  const after = (to: Tested): number[] =>
    dials.filter((dial) => dial.to === to.peer.peerId).map(({ at }) => at - begunAt);
  expect(after(a)).toEqual([]); // the smaller id dials
  expect(after(b)[0]).toBeGreaterThan(2.9 * second);
  expect(after(c)[0]).toBeGreaterThan(2.9 * second);
  expect(Math.max(...after(c))).toBeGreaterThan(5.9 * second);
});

test('a payload that is to go out has all dialled now', async () => {
  const [a, b] = [start(0.9), start(0.9)];
  introduceOver(hour, a, b);
  const payload = new Uint8Array([1, 2, 3]);
  const hash = sha256Hex(payload);
  expect(dials).toEqual([]);
  a.exchange.publish(0, hash, payload);
  await until(() => b.exchange.has(hash));
  expect(linked(a, 1)).toBe(true);
});

test('so has one that is to come', async () => {
  const [a, b] = [start(0.9), start(0.9)];
  introduceOver(hour, a, b);
  const payload = new Uint8Array([4, 5, 6]);
  const hash = sha256Hex(payload);
  b.exchange.hold(0, hash, payload);
  expect(await a.exchange.obtain(0, hash, b.peer.peerId, 60 * second)).toEqual(payload);
});
