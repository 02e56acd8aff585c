// A contributor that is told to stop while a coordinator keeps it waiting: real HTTP, and a coordinator that never ends an answer.

import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { smallManifest } from '../train/testing/small-job.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { contribute } from './contribute.ts';
import { MemoryStore } from './store.ts';

const job: JobView = {
  id: 'small-aaaaaa',
  name: 'small',
  state: 'waiting',
  reason: '',
  owner: 'owner',
  createdAt: 0,
  startedAt: null,
  endedAt: null,
  manifest: smallManifest(),
  dataset: { sha256: 'a'.repeat(64), bytes: 1000 },
  round: 0,
  tokens: 0,
  tokensPerSecond: 0,
  progress: 0,
  etaMs: null,
  trainLoss: null,
  validationLoss: null,
  workers: [],
  evaluation: null,
};

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Resolves once the worker has asked for `path`, to which nothing but a beginning is answered. */
async function waitingAt(path: string) {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const answers: Record<string, (response: ServerResponse) => unknown> = {
    '/api/v1/workers': (response) => response.end(JSON.stringify({ workerId: 'w-aaaaaaaaaaaa', token: 'token' })),
    '/api/v1/workers/me/work': (response) => response.end(JSON.stringify({ type: 'job', job })),
    [path]: (response) => response.write('{', () => resolve()),
  };
  server = createServer((request, response) => void answers[request.url!]?.(response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const contributor = contribute({
    coordinator: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    kind: 'node',
    name: '',
    adapter: 'test',
    backend: 'cpu',
    load: 1,
    store: new MemoryStore(),
    createTrainer: () => Promise.reject(new Error('no job gets so far')) as never,
    createPeer: () => Promise.reject(new Error('no job gets so far')) as never,
    onSnapshot: () => undefined,
  });
  await asked;
  return contributor;
}

test.each([
  ['for work', '/api/v1/workers/me/work'],
  ['for the data', `/api/v1/datasets/${'a'.repeat(64)}`],
])('whoever stops while it waits %s is let go at once', { timeout: 30_000 }, async (_, path) => {
  const contributor = await waitingAt(path);
  await contributor.stop('enough');
  expect(await contributor.done).toMatchObject({ phase: 'stopped', reason: 'enough' });
});
