// A large job, whose sockets are at gates: what holds of a room holds across them, and when one of them, or the room, dies.

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import type { Metrics } from '../../coordinator/cluster/room/rooms.ts';
import { gatesFor, shardName, shardOf } from '../../coordinator/cluster/door/shards.ts';
import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { env, errorOf, get, migrate, register, request, submit, until } from './api.ts';
import type { Behaviour } from './protocol-worker.ts';
import { payloadOf } from '../../shared/protocol/testing/chain.ts';
import { openSocket, ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

const maxWorkers = 2_000;
const gates = gatesFor(maxWorkers);
const workers = { min: 2 * gates, max: maxWorkers };
const gateOf = ({ id }: { id: string }): number => shardOf(id, gates);
const roomStub = (jobId: string) => env.ROOMS.get(env.ROOMS.idFromName(jobId));
const gateStub = (jobId: string, index: number) =>
  env.GATES.get(env.GATES.idFromName(shardName({ jobId, index, shards: gates })));

function submitLarge(maxTokens: number): Promise<JobView> {
  return submit({ resources: { workers }, runtime: { maxTokens } });
}

/** Two workers at each gate, those of gate 0 first. */
function crew(jobId: string, behaviour: (gate: number) => Partial<Behaviour> = () => ({})): Promise<ProtocolWorker[]> {
  const places = Array.from({ length: workers.min }, (_, index) => Math.floor(index / 2));
  const join = (gate: number) =>
    ProtocolWorker.join(jobId, { ...behaviour(gate), likes: (id) => shardOf(id, gates) === gate });
  return Promise.all(places.map(join));
}

function ended(id: string): Promise<JobView> {
  return until(async () => {
    const view = await get<JobView>(`jobs/${id}`);
    return view.endedAt === null ? null : view;
  }, `the end of ${id}`);
}

/** A job in the middle of round 1: the workers of the first gate have yet to commit, the others have. */
async function midRound() {
  const job = await submitLarge(4 * 512 * 2 * workers.min);
  const all = await crew(job.id, (gate) => ({ trains: ({ round }) => round !== 1 || gate !== 0 }));
  const slow = all.filter((worker) => gateOf(worker) === 0);
  const quick = all.filter((worker) => gateOf(worker) !== 0);
  await until(() => all.every((worker) => worker.heard('assign').some(isOfRound1)), 'round 1');
  const tellsOfRound1 = (worker: ProtocolWorker): number =>
    worker
      .heard('committed')
      .filter(({ round }) => round === 1)
      .flatMap(({ contributions }) => contributions).length;
  await until(() => slow.every((worker) => tellsOfRound1(worker) === quick.length), 'the commits of the quick');
  return { job, all, slow, quick };
}

const isOfRound1 = ({ assignment }: { assignment: { round: number } }): boolean => assignment.round === 1;

/** All took part in round 1 and hold the same; nobody was taken for gone. */
async function expectNothingLost(job: JobView, all: readonly ProtocolWorker[]): Promise<void> {
  expect((await ended(job.id)).state).toBe('completed');
  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}&limit=1000`);
  const closed = events.flatMap(({ type, data }) => (type === 'round.closed' && data.round === 1 ? [data] : []));
  const hashes = closed.flatMap(({ accepted }) => accepted.map(({ hash }) => hash));
  expect(hashes.toSorted()).toEqual(all.map(({ id }) => payloadOf(id, 1)).toSorted());
  await until(() => all.every(({ state }) => state === all[0]!.state), 'all to hold the same');
  const roundsAfterwards = events.filter(
    ({ type, data }) => type === 'worker.left' && 'round' in data && data.round <= 1,
  );
  expect(roundsAfterwards).toEqual([]);
}

async function isMarked(jobId: string): Promise<boolean> {
  return runInDurableObject(
    roomStub(jobId),
    (_, { storage }) =>
      storage.sql.exec(`select 1 from value where name = 'gates.unsent' and json = 'true'`).toArray().length > 0,
  );
}

test('workers of several gates train one job, and its room holds no socket', async () => {
  const job = await submitLarge(2 * 512 * 2 * workers.min);
  const all = await crew(job.id);
  await until(() => all.every((worker) => worker.heard('welcome').length === 1), 'all to be welcomed');
  const held = (_: unknown, state: DurableObjectState): number => state.getWebSockets().length;
  expect(await runInDurableObject(roomStub(job.id), held)).toBe(0);
  for (let gate = 0; gate < gates; gate++) expect(await runInDurableObject(gateStub(job.id, gate), held)).toBe(2);
  const view = await ended(job.id);
  expect(view).toMatchObject({ state: 'completed', reason: '' });
  expect(view.workers.map(({ roundsAccepted }) => roundsAccepted)).toEqual(all.map(() => view.round));
  await until(() => all.every((worker) => worker.heard('finish').length === 1), 'all to hear of the end');
  expect(new Set(all.map(({ state }) => state)).size).toBe(1);
  const { load } = await get<Pick<Metrics, 'load'>>(`jobs/${job.id}/metrics`);
  expect(load.events).toBeGreaterThanOrEqual(all.length * (1 + 3 * view.round)); // hello; commit, received, applied
  expect(load.reports).toBeLessThanOrEqual(load.events + gates);
  expect(load.calls).toBeGreaterThan(0);
});

test('a gate that was put to sleep wakes with its sockets; so does the room, without a word to anyone', async () => {
  const { job, all, slow } = await midRound();
  await until(async () => !(await isMarked(job.id)), 'the room to have said everything', 30_000);
  await evictDurableObject(gateStub(job.id, 0), { webSockets: 'hibernate' });
  await evictDurableObject(roomStub(job.id));
  for (const worker of slow) worker.commit(1);
  await expectNothingLost(job, all);
  expect(all.map((worker) => worker.heard('welcome').length)).toEqual(all.map(() => 1));
});

test('a gate that died costs its workers a hello, the others nothing, and nobody its work', async () => {
  const { job, all, slow, quick } = await midRound();
  const dead = gateOf(quick[0]!);
  await evictDurableObject(gateStub(job.id, dead), { webSockets: 'close' });
  const cutOff = all.filter((worker) => gateOf(worker) === dead);
  await until(() => cutOff.every(({ closed }) => closed !== null), 'its sockets to close');
  await cutOff[0]!.connect();
  await cutOff[0]!.next('welcome', 1);
  expect(await get<JobView>(`jobs/${job.id}`)).toMatchObject({
    state: 'waiting',
    reason: 'the coordinator restarted; waiting for 1 worker to come back',
  });
  await cutOff[1]!.connect();
  await cutOff[1]!.next('welcome', 1);
  for (const worker of slow) worker.commit(1);
  for (const worker of cutOff) worker.commit(1); // said again, as after any lost connection
  await expectNothingLost(job, all);
  const others = all.filter((worker) => gateOf(worker) !== dead);
  expect(others.map((worker) => worker.heard('welcome').length)).toEqual(others.map(() => 1));
});

test('a room that died with something to say has all gates hang up, and closes the same round', async () => {
  const { job, all, slow, quick } = await midRound();
  await runInDurableObject(roomStub(job.id), (_, { storage }) => {
    storage.sql.exec(`insert or replace into value values ('gates.unsent', 0, 'true')`); // as if it had just decided something
  });
  await evictDurableObject(roomStub(job.id));
  await get<JobView>(`jobs/${job.id}`); // wakes it
  await until(() => all.every(({ closed }) => closed !== null), 'all sockets to close');
  expect(all.map(({ closed }) => closed!.code)).toEqual(all.map(() => 1012));
  await Promise.all(all.map((worker) => worker.connect()));
  await until(() => all.every((worker) => worker.heard('welcome').length === 2), 'all to be welcomed again');
  for (const worker of [...quick, ...slow]) worker.commit(1);
  await expectNothingLost(job, all);
});

test('what a worker says arrives in its order, whatever the others say at the same time', async () => {
  const job = await submitLarge(100_000_000);
  const all = await crew(job.id, () => ({ trains: () => false }));
  await until(() => all.every((worker) => worker.heard('assign').length === 1), 'round 0');
  const rounds = Array.from({ length: 100 }, (_, index) => 1_000 + index);
  for (const round of rounds) for (const worker of all) worker.commit(round);
  await until(() => all.every((worker) => worker.heard('refused').length === rounds.length), 'all refusals');
  const asked = rounds.map((round) => `round ${round} did not ask this worker to train`);
  for (const worker of all) expect(worker.heard('refused').map(({ message }) => message)).toEqual(asked);
});

test('a gate refuses what a room refuses, and whoever belongs to another', async () => {
  const job = await submitLarge(100_000);
  const upgrade = { upgrade: 'websocket' };
  expect(await errorOf(request(`jobs/${job.id}/room`, { headers: upgrade }))).toMatchObject({
    code: 'invalid_request',
    where: 'query.worker',
  });
  expect(await errorOf(request(`jobs/${job.id}/room?worker=me`, { headers: upgrade }))).toMatchObject({ status: 400 });

  const stranger = await register();
  const elsewhere = ['w-00000000', 'w-00000001', 'w-00000002', 'w-00000003'].find(
    (id) => gateOf({ id }) !== gateOf({ id: stranger.workerId }),
  );
  const socket = await openSocket(job.id, elsewhere);
  const said = new Promise<string>((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(data as string), { once: true }),
  );
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  const backend = { kind: 'cpu', adapter: 'x' };
  const about = { peerId: 'peer-x', kind: 'node', backend, tokensPerSecond: 1, holds: null };
  socket.send(JSON.stringify({ type: 'hello', version: 2, token: stranger.token, ...about }));
  expect(JSON.parse(await said)).toMatchObject({ type: 'refused', code: 'invalid_message', where: 'token' });
  expect(await closed).toBe(4400);

  const noisy = await ProtocolWorker.join(job.id);
  await noisy.next('welcome');
  for (let i = 0; i < 40; i++) noisy.sayText('{"type":"dance"}');
  await until(() => noisy.closed, 'it to be cut off');
  const gone = async (): Promise<boolean> =>
    (await get<JobView>(`jobs/${job.id}`)).workers.every(({ present }) => !present);
  await until(gone, 'the room to hear of it');
  const { lines } = await get<{ lines: LogLine[] }>(`jobs/${job.id}/logs`);
  const counts = lines.map(({ text }) =>
    Number(/^(\d+) messages? refused so far with invalid_message/.exec(text)?.[1]),
  );
  expect(Math.max(...counts.filter((count) => count > 0))).toBeGreaterThanOrEqual(16);
});

test('a second connection of a worker replaces the first, and hears nothing that was meant for that', async () => {
  const job = await submitLarge(100_000_000);
  const all = await crew(job.id);
  await until(() => all.every(({ round }) => round >= 1), 'a round');
  const [first] = all as [ProtocolWorker];
  for (let i = 0; i < 3; i++) {
    const heard = first.messages.length;
    await first.connect();
    await until(() => first.messages.length > heard && first.messages.slice(heard).some(isWelcome), 'a welcome');
    const fresh = first.messages.slice(heard);
    expect(fresh[0]!.type).toBe('welcome');
  }
  const { workers: known } = await get<JobView>(`jobs/${job.id}`);
  expect(known.every(({ present }) => present)).toBe(true);
});

const isWelcome = ({ type }: { type: string }): boolean => type === 'welcome';
