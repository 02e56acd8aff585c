// A line on which loss limits a single connection: half of the bandwidth of a home, 50 ms there and back, 2% lost.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/bytes.ts';
import { startCoordinator } from '../../node/embed/embed.ts';
import type { Embedded } from '../../node/embed/embed.ts';
import { createPeer } from '../../node/rtc.ts';
import { LoomOSClient } from '../../sdk/client.ts';
import { submitTinyJob } from '../../worker/testing/tiny-job.ts';
import { PeerExchange } from '../peer-exchange.ts';
import { emulateLinks } from '../testing/link-emulator.ts';
import type { LinkEmulator } from '../testing/link-emulator.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let coordinator: Embedded;
let emulator: LinkEmulator;

beforeAll(async () => {
  coordinator = await startCoordinator({ data: mkdtempSync(join(tmpdir(), 'loomos-')), port: 0, page: false });
  emulator = emulateLinks({ delayMs: 25, loss: 0.02, megabitsPerSecond: 10, queueMs: 100 }, 1);
});
afterAll(async () => {
  emulator.stop();
  await coordinator.close();
});

test('payloads that come slowly are spread over four connections, and come whole', async () => {
  const { id: jobId } = await submitTinyJob(new LoomOSClient(coordinator), { maxTokens: 1000 }, { min: 1, max: 1 });
  const relay = { get: async () => null, put: async () => undefined };
  const events = { onPayload: () => undefined, onLinks: () => undefined };
  const peerIds = ['peer-0001', 'peer-0002'];
  const [a, b] = peerIds.map(
    (peerId) => new PeerExchange({ peerId, jobId, coordinator: new URL(coordinator.url), createPeer, relay, events }),
  );
  const peers = peerIds.map((peerId) => ({
    workerId: `w-${peerId.replace('-', '')}`,
    peerId,
    kind: 'node' as const,
    adapter: 'test',
    group: 0,
  }));
  for (const exchange of [a!, b!]) exchange.setPeers(peers, 'mesh');
  const exchange = async (round: number): Promise<void> => {
    for (const [from, to] of [[a!, b!] as const, [b!, a!] as const]) {
      const payload = new Uint8Array(500_000).map((_, i) => (i * 31 + round * 7 + (from === a ? 1 : 0)) % 251);
      const hash = sha256Hex(payload);
      from.publish(round, hash, payload);
      expect(await to.obtain(round, hash, from.peerId, 120_000)).toEqual(payload);
    }
  };
  await exchange(0);
  await expect.poll(() => emulator.connections(), { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(8);
  await exchange(1);
  await exchange(2);
  for (const exchange of [a!, b!]) expect(exchange.stats().refusedFrames).toBe(0);
  for (const exchange of [a!, b!]) exchange.close();
});
