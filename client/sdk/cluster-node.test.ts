// Nodes that lead in turns, through the SDK and the real coordinator on workerd. Leases are so long that only what a test does
// ends one, however slow the machine is.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';
import { submitTinyJob } from '../worker/testing/tiny-job.ts';
import { LoomOSClient } from './client.ts';
import type { ClientOptions } from './client.ts';
import type { ClusterNode, JoinOptions } from './cluster-node.ts';

const leaseMs = 600_000;
const heartbeatMs = 50;

let coordinator: Embedded;
let client: LoomOSClient;
const nodes: ClusterNode<LoomOSClient>[] = [];

beforeAll(async () => {
  coordinator = await startCoordinator({ data: mkdtempSync(join(tmpdir(), 'loomos-lead-')), port: 0, page: false });
  client = new LoomOSClient(coordinator);
});
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop().catch(() => undefined))));
afterAll(() => coordinator.close());

function takePart(
  nodeId: string,
  options: Partial<JoinOptions> = {},
  more: Partial<ClientOptions> = {},
): ClusterNode<LoomOSClient> {
  const node = new LoomOSClient({ ...coordinator, ...more }).joinCluster({ nodeId, leaseMs, heartbeatMs, ...options });
  nodes.push(node);
  return node;
}

const until = (look: () => boolean): Promise<unknown> => vi.waitUntil(look, { timeout: 120_000, interval: 10 });
const leads = (node: ClusterNode<LoomOSClient>) => () => node.role === 'leader';

test('the first leads; when it leaves the next one does, after the first has stopped', async () => {
  const order: string[] = [];
  const a = takePart('a');
  a.onRoleChange(async (before, now) => {
    order.push(`a ${before} -> ${now}`);
    if (now !== 'leader') await new Promise((resolve) => setTimeout(resolve, 200)); // stopping takes a while
    order.push(`a is ${now}`);
  });
  await until(leads(a));
  const [b, watcher] = [takePart('b'), takePart('watcher', { observer: true })];
  b.onRoleChange((before, now) => void order.push(`b ${before} -> ${now}`));
  await until(() => b.fence === a.fence && watcher.fence === a.fence); // both have heard who leads
  const { fence } = a;
  await a.stop();
  await until(leads(b));
  expect(order).toEqual([
    'a follower -> leader',
    'a is leader',
    'a leader -> follower',
    'a is follower',
    'b follower -> leader',
  ]);
  expect(b.fence).toBe(fence + 1);
  expect(watcher.role).toBe('observer');
});

test('a forced election: the leader stops first, then the wanted node leads', async () => {
  const order: string[] = [];
  const a = takePart('a');
  await until(leads(a));
  await expect(client.triggerElection()).rejects.toMatchObject({ code: 'conflict' }); // nobody else is there
  const [b, c] = [takePart('b'), takePart('c')];
  for (const node of [a, b, c]) node.onRoleChange((_, now) => void order.push(`${node.nodeId} ${now}`));
  await until(() => b.fence === a.fence && c.fence === a.fence);
  expect(await client.triggerElection({ nodeId: 'c' })).toMatchObject({ leader: 'a', isElecting: true });
  await until(leads(c));
  expect(order).toEqual(['a follower', 'c leader']);
  expect(await client.clusterNodes()).toMatchObject({ leader: 'c', isElecting: false });
  await expect(client.triggerElection({ nodeId: 'nobody' })).rejects.toMatchObject({
    where: 'nodeId',
    allowed: expect.stringContaining('a'),
  });
});

test('a leader that is cut off is followed by another, and knows by itself that it leads no more', async () => {
  let isCutOff = false;
  const cut: typeof fetch = (input, init) => (isCutOff ? Promise.reject(new TypeError('cut off')) : fetch(input, init));
  const a = takePart('a', { leaseMs: 1000 }, { fetch: cut });
  await until(leads(a));
  isCutOff = true;
  const b = takePart('b');
  await until(leads(b));
  expect(a.role).toBe('follower');
  await expect(a.client.submitJob('kind: x')).rejects.toMatchObject({ code: 'conflict' });
});

test('a leader that slept believes that it leads; what it asks is refused, by every route that changes something', async () => {
  let isAsleep = false;
  const job = await submitTinyJob(client, { maxTokens: 1000 }, { min: 1, max: 1 });
  const asleep: typeof fetch = (input, init) =>
    isAsleep && String(input).includes('/cluster/') ? Promise.reject(new TypeError('asleep')) : fetch(input, init);
  const a = takePart('a', { leaseMs: 1000, now: () => 0 }, { fetch: asleep }); // its clock stands still
  await until(leads(a));
  isAsleep = true;
  const b = takePart('b');
  await until(leads(b));
  expect(a.role).toBe('leader');
  const refusal = { code: 'conflict', where: 'loomos-fence', allowed: `${b.fence}, held by b` };
  await expect(a.client.cancelJob(job.id)).rejects.toMatchObject(refusal);
  await expect(a.client.submitJob('kind: x')).rejects.toMatchObject(refusal);
  expect(await b.client.cancelJob(job.id)).toMatchObject({ state: 'cancelled' });
  isAsleep = false;
});

test('a stranger may not take part, and a handler that fails ends the leadership', async () => {
  const stranger = takePart('s', {}, { ownerToken: 'guessed' });
  await expect(stranger.done).rejects.toMatchObject({ code: 'unauthorized' });
  const a = takePart('a');
  a.onRoleChange(() => Promise.reject(new Error('the services do not start')));
  await expect(a.done).rejects.toThrow('the services do not start');
  const b = takePart('b');
  await until(leads(b));
});

test('every change of leader is in the ledger', async () => {
  const events = await client.ledgerEvents({ subject: 'cluster', limit: 1000 });
  const elected = events.filter(({ type }) => type === 'leader.elected').map(({ data }) => data['fence']);
  expect(elected).toEqual(elected.map((_, i) => i + 1));
  expect(events.map(({ type }) => type)).toEqual(
    events.map((_, i) => (i % 2 === 0 ? 'leader.elected' : 'leader.resigned')),
  );
});
