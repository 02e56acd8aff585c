// Leadership in the real Durable Object: it outlives its object, is written down before it is told, and is refused when old.

import { abortAllDurableObjects } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import type { ClusterNodes } from '../../shared/api/leadership.ts';
import type { HeartbeatAnswer } from '../../shared/cluster/standing.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { asOwner, env, errorOf, get, migrate, register, request, submit } from './api.ts';

beforeAll(migrate);

const leaseMs = 600_000; // ends only as a test wants it

const post = (path: string, body: object) => asOwner(`cluster/${path}`, 'POST', JSON.stringify(body));
const sessionOf = (nodeId: string) => nodeId.charCodeAt(0).toString(16).padStart(8, '0');

function beat(nodeId: string, more: object = {}): Promise<Response> {
  const own = { session: sessionOf(nodeId), observer: false, leaseMs, yields: null };
  return post(`nodes/${nodeId}/heartbeat`, { ...own, ...more });
}
const roleOf = async (nodeId: string, more: object = {}) =>
  (await (await beat(nodeId, more)).json<HeartbeatAnswer>()).role;
const leave = (nodeId: string) => post(`nodes/${nodeId}/leave`, { session: sessionOf(nodeId) });
const withFence = (path: string, fence: string): Promise<Response> =>
  request(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${env.LOOMOS_OWNER_TOKEN}`, 'loomos-fence': fence },
  });

test('an election outlives the object that held it; a request of an earlier leader is refused', async () => {
  const job = await submit();
  expect(await roleOf('a')).toBe('leader');
  const { fence } = await get<ClusterNodes>('cluster/nodes');
  await abortAllDurableObjects();
  expect(await roleOf('b')).toBe('follower');
  expect(await get<ClusterNodes>('cluster/nodes')).toMatchObject({ leader: 'a', fence });
  await leave('a');
  expect(await roleOf('b')).toBe('leader');
  const stale = await errorOf(withFence(`jobs/${job.id}/cancel`, String(fence)));
  expect(stale).toMatchObject({ status: 409, code: 'conflict', where: 'loomos-fence' });
  expect(await errorOf(withFence(`jobs/${job.id}/cancel`, 'many'))).toMatchObject({ status: 400 });
  expect((await withFence(`jobs/${job.id}/cancel`, String(fence + 1))).status).toBe(200);
  expect(await errorOf(withFence(`jobs/${job.id}/cancel`, String(fence + 1)))).toMatchObject({ code: 'conflict' }); // of the job
  await leave('b');
});

test('nobody learns of a leader that the ledger does not know', async () => {
  await env.DB.prepare(
    "create trigger down before insert on ledger_event begin select raise(abort, 'down'); end",
  ).run();
  expect((await beat('c')).status).toBe(503);
  await env.DB.prepare('drop trigger down').run();
  expect(await roleOf('c')).toBe('leader');
  await leave('c');
  const { events } = await get<{ events: LedgerEvent[] }>('ledger/events?subject=cluster');
  const history = events.map(({ type, data }) => [type, 'fence' in data && data.fence]);
  expect(history).toEqual(history.map((_, i) => [i % 2 === 0 ? 'leader.elected' : 'leader.resigned', 1 + (i >> 1)]));
});

test('taking part needs the owner token, a name and a sensible lease', async () => {
  const { token } = await register();
  const headers = { authorization: `Bearer ${token}` };
  for (const path of ['nodes/a/heartbeat', 'nodes/a/leave', 'elections'])
    expect(await errorOf(request(`cluster/${path}`, { method: 'POST', headers, body: '{}' }))).toMatchObject({
      status: 401,
    });
  expect(await errorOf(beat('no%20name'))).toMatchObject({ status: 400, where: 'nodeId' });
  expect(await errorOf(beat('a', { leaseMs: 10 }))).toMatchObject({ status: 400, where: 'body.leaseMs' });
  expect(await errorOf(post('elections', {}))).toMatchObject({ status: 409, where: 'nodeId' });
});
