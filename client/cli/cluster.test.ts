// `loomos cluster join`, `status` and `elect`, as an operator runs them: processes that take over from each other.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newFolder, start } from './testing/loomos.ts';
import type { Started } from './testing/loomos.ts';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';

let coordinator: Embedded;
const running: Started[] = [];

beforeAll(async () => {
  coordinator = await startCoordinator({ data: newFolder(), port: 0, page: false });
});
afterEach(async () => {
  for (const { process } of running) process.kill('SIGTERM');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});
afterAll(() => coordinator.close());

function loomos(...words: string[]): Started {
  const target = ['--coordinator', coordinator.url, '--token', coordinator.ownerToken];
  const started = start(newFolder(), [...words, ...target]);
  running.push(started);
  return started;
}

test('a command runs where the leader is, moves when one is called, and follows a killed leader', async () => {
  const command = ['--run', 'echo "acts with fence $LOOMOS_FENCE"; sleep 1000'];
  const a = loomos('cluster', 'join', '--node', 'a', '--lease', '600', ...command);
  await a.said(/acts with fence 1\n/);
  const b = loomos('cluster', 'join', '--node', 'b', '--lease', '3', ...command);
  await expect
    .poll(async () => (await loomos('cluster', 'status').ended).stdout, { timeout: 120_000 })
    .toMatch(/b: follower/);
  const { stdout } = await loomos('cluster', 'elect').ended;
  expect(stdout).toMatch(/^a is asked to yield; another node leads next, with a fence above 1/);
  await b.said(/b: follower -> leader, fence 2[^]*acts with fence 2\n/);
  expect(a.transcript()).toMatch(/a: leader -> follower/);
  b.process.kill('SIGKILL');
  await a.said(/acts with fence 3\n/);
  const status = await loomos('cluster', 'status').ended;
  expect(status.stdout).toMatch(/^leader {7}a, fence 3$/m);
});

test('a command that ends gives the leadership back, with its exit code', async () => {
  const c = loomos('cluster', 'join', '--node', 'c', '--lease', '600', '--run', 'exit 7');
  expect((await c.ended).status).toBe(7);
  expect((await loomos('cluster', 'status').ended).stdout).toMatch(/^leader {7}no/m);
});

test('a fence of an older leader is refused; an election that nobody could win is an error', async () => {
  const stale = start(newFolder(), ['jobs', 'cancel', 'tiny-000000', '--coordinator', coordinator.url], {
    LOOMOS_FENCE: '1',
  });
  const { status, stderr } = await stale.ended;
  expect([status, stderr]).toEqual([1, expect.stringContaining('the leadership with fence 1 is over')]);
  const election = await loomos('cluster', 'elect').ended;
  expect(election.stderr).toMatch(/no other node could lead/);
});
