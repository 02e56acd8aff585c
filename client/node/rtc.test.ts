import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PeerHost } from '../exchange/peer-host.ts';
import { Exchanges, introduce, until } from '../exchange/testing/peers.ts';
import { createPeer } from './rtc.ts';

let exchanges: Exchanges;

beforeAll(async () => {
  exchanges = await Exchanges.begin();
});
afterEach(() => exchanges.closeAll());
afterAll(() => exchanges.coordinator.close());

/** What keeps this process for the sake of native code: one for each callback of a connection or a channel. */
function nativeCallbacks(): number {
  process.report.excludeNetwork = true;
  const { libuv } = process.report.getReport() as unknown as { libuv: { type: string; is_referenced: boolean }[] };
  return libuv.filter((handle) => handle.type === 'async' && handle.is_referenced).length;
}

test('a connection that is closed before its channel opened keeps nothing', async () => {
  const before = nativeCallbacks();
  const connections = Array.from({ length: 5 }, () => new RTCPeerConnection({ iceServers: [] }));
  for (const connection of connections) connection.createDataChannel('never opens');
  await Promise.all(connections.map((connection) => connection.createOffer()));
  expect(nativeCallbacks()).toBeGreaterThan(before);
  for (const connection of connections) connection.close();
  await until(() => nativeCallbacks() === before);
});

test('whoever leaves while it dials waits for no answer', async () => {
  const before = nativeCallbacks();
  const { coordinator, jobId } = exchanges;
  const timing = { dialTimeoutMs: 600_000, random: Math.random };
  const url = new URL(coordinator.url);
  const host = new PeerHost({ peerId: 'peer-9998', jobId, coordinator: url, createPeer, onConnection: () => {}, ...timing });
  const dial = expect(host.dial('peer-9999', () => {})).rejects.toMatchObject({ code: 'unavailable' });
  await until(() => nativeCallbacks() > before);
  host.close();
  await dial;
  await until(() => nativeCallbacks() === before);
});

test.each([0, 30, 300, 1_000])('both sides leave after %i ms, wherever their connection is by then', async (ms) => {
  const before = nativeCallbacks();
  const pair = [exchanges.start(), exchanges.start()];
  introduce(...pair);
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (const { exchange } of pair) exchange.close();
  await until(() => nativeCallbacks() === before);
});
