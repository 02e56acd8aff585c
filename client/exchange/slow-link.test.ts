// A line on which a payload takes longer than a worker waits for one of which nothing comes.

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/bytes.ts';
import type { WorkerMessage } from '../../shared/protocol/messages.ts';
import { Collector } from '../worker/job/collector.ts';
import { Keepsake } from '../worker/state/keepsake.ts';
import { MemoryStore } from '../worker/store.ts';
import { emulateLinks } from './testing/link-emulator.ts';
import type { LinkEmulator } from './testing/link-emulator.ts';
import { Exchanges, introduce, linked, until } from './testing/peers.ts';
import type { Tested } from './testing/peers.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** How long nothing may come: a busy machine and what SCTP takes for congestion make pauses of some seconds. */
const obtainMs = 6_000;
let exchanges: Exchanges;
let emulator: LinkEmulator;

beforeAll(async () => {
  exchanges = await Exchanges.begin();
  emulator = emulateLinks({ delayMs: 25, loss: 0, megabitsPerSecond: 1, queueMs: 6_000 }, 1);
});
afterEach(() => exchanges.closeAll());
afterAll(async () => {
  emulator.stop();
  await exchanges.coordinator.close();
});

function collectorOf({ exchange }: Tested, authors: ReadonlyMap<string, string>, said: WorkerMessage[]): Collector {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  const peerIdOf = (workerId: string): string | null => authors.get(workerId) ?? null;
  return new Collector({ exchange, keepsake, say: (message) => void said.push(message), peerIdOf, obtainMs });
}

test('while a payload comes, however slowly, the room is not told that it is missing', async () => {
  const [a, b] = [exchanges.start(), exchanges.start()];
  introduce(a, b);
  await until(() => linked(a, 1) && linked(b, 1));
  const said: WorkerMessage[] = [];
  const collector = collectorOf(b, new Map([[a.peer.workerId, a.peer.peerId]]), said);
  collector.begin(0);
  const payload = new Uint8Array(1_500_000).map((_, i) => (i * 31) % 251); // twelve seconds
  const hash = sha256Hex(payload);
  a.exchange.publish(0, hash, payload);
  const startedAt = performance.now();
  const contribution = { workerId: a.peer.workerId, hash, bytes: payload.length, tokens: 1 };
  const gathered = await collector.gather(0, [contribution], new AbortController().signal);
  expect(gathered!.map((one) => sha256Hex(one.payload))).toEqual([hash]);
  expect(performance.now() - startedAt).toBeGreaterThan(obtainMs + 1_000);
  expect(said.filter(({ type }) => type === 'missing')).toEqual([]);
  collector.close();
});
