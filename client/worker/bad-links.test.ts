// A job over bad lines: real rooms and real WebRTC, every packet between peers delayed by 25 ms each way, one in a hundred
// lost, 20 Mbit/s; and one worker with no WebRTC at all, which only the relay reaches.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { emulateLinks } from '../exchange/testing/link-emulator.ts';
import type { LinkEmulator } from '../exchange/testing/link-emulator.ts';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';
import { createPeer } from '../node/rtc.ts';
import { LoomOSClient } from '../sdk/client.ts';
import { startTinyWorker, submitTinyJob } from './testing/tiny-job.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let coordinator: Embedded;
let emulator: LinkEmulator;

beforeAll(async () => {
  coordinator = await startCoordinator({ data: mkdtempSync(join(tmpdir(), 'loomos-')), port: 0, page: false });
  emulator = emulateLinks({ delayMs: 25, loss: 0.01, megabitsPerSecond: 20, queueMs: 100 }, 1);
});
afterAll(async () => {
  emulator.stop();
  await coordinator.close();
});

test('the job completes with the work of everyone, also of one that no peer can reach', async () => {
  const client = new LoomOSClient(coordinator);
  const job = await submitTinyJob(client, { maxTokens: 20_000 }, { min: 4, max: 4 });
  const noWebRtc: typeof createPeer = (id, options) => createPeer(id, { ...options, port: 9 });
  const workers = [0, 1, 2].map(() => startTinyWorker(coordinator));
  workers.push(startTinyWorker(coordinator, { createPeer: noWebRtc }));
  await Promise.all(workers.map((worker) => worker.done));
  const { state, workers: listed } = await client.getJob(job.id);
  expect(state).toBe('completed');
  expect(listed.map(({ tokensAccepted }) => tokensAccepted > 0)).toEqual([true, true, true, true]);
  expect(emulator.packets()).toBeGreaterThan(100);
  const links = workers[0]!.snapshots.flatMap(({ exchange }) => exchange.links);
  expect(links.some(({ via, state }) => via === 'webrtc' && state === 'open')).toBe(true);
});
