import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PeerHost } from '../exchange/links/peer-host.ts';
import { Exchanges, introduce, until } from '../exchange/testing/peers.ts';
import { createPeer } from './rtc.ts';

const patience = { timeout: 60_000, interval: 20 };
let exchanges: Exchanges;

beforeAll(async () => {
  exchanges = await Exchanges.begin();
});
afterEach(() => exchanges.closeAll());
afterAll(() => exchanges.coordinator.close());

/** What keeps this process for the sake of native code: one for each callback of a connection or a channel. */
function nativeCallbacks(): number {
  Object.assign(process.report, { excludeNetwork: true }); // or it looks up the names of all it is connected to
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
  await expect.poll(nativeCallbacks, patience).toBe(before);
});

test('whoever leaves while it dials waits for no answer', async () => {
  const before = nativeCallbacks();
  const { coordinator, jobId } = exchanges;
  const timing = { dialTimeoutMs: 600_000, random: Math.random };
  const url = new URL(coordinator.url);
  const host = new PeerHost({
    peerId: 'peer-9998',
    jobId,
    coordinator: url,
    createPeer,
    onConnection: () => {},
    ...timing,
  });
  const dial = host.dial('peer-9999', () => {});
  dial.catch(() => undefined);
  await until(() => nativeCallbacks() > before);
  host.close();
  await expect(dial).rejects.toMatchObject({ code: 'unavailable' });
  await expect.poll(nativeCallbacks, patience).toBe(before);
});

test.each([0, 30, 300, 1_000])('both sides leave after %i ms, wherever their connection is by then', async (ms) => {
  const before = nativeCallbacks();
  const pair = [exchanges.start(), exchanges.start()];
  introduce(...pair);
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (const { exchange } of pair) exchange.close();
  await expect.poll(nativeCallbacks, patience).toBe(before);
});
