// A room that dies or sleeps in mid-round: nothing accepted is lost and the job goes on.

import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import { audit, auditedRoot, emptyAudit } from '../../shared/ledger/audit.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { env, get, migrate, submit, until } from './api.ts';
import { payloadOf } from '../../shared/protocol/testing/chain.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

const stubOf = (jobId: string) => env.ROOMS.get(env.ROOMS.idFromName(jobId));

function ended(id: string): Promise<JobView> {
  return until(
    async () => ((await get<JobView>(`jobs/${id}`)).endedAt === null ? null : get<JobView>(`jobs/${id}`)),
    `the end of ${id}`,
  );
}

/** A job in the middle of round 2: one worker has committed, the other trains. */
async function midRound(maxTokens = 6_144) {
  const job = await submit({ runtime: { maxTokens } });
  const quick = await ProtocolWorker.join(job.id);
  const slow = await ProtocolWorker.join(job.id, { trains: ({ round }) => round !== 2 });
  await until(() => slow.heard('assign').some(({ assignment }) => assignment.round === 2), 'round 2');
  await until(() => slow.heard('committed').some(({ round }) => round === 2), 'the first commit of round 2');
  return { job, quick, slow };
}

test('a room that was put to sleep wakes with its sockets and its round', async () => {
  const { job, quick, slow } = await midRound();
  await evictDurableObject(stubOf(job.id), { webSockets: 'hibernate' });
  slow.commit(2);
  await until(() => quick.round === 3, 'the round to close');
  expect((await ended(job.id)).state).toBe('completed');
  expect(quick.heard('welcome')).toHaveLength(1);
  expect(quick.state).toBe(slow.state);
});

test('a room that lost all sockets waits for its workers and closes the same round', async () => {
  const { job, quick, slow } = await midRound();
  await evictDurableObject(stubOf(job.id), { webSockets: 'close' });
  await until(() => quick.closed !== null && slow.closed !== null, 'both sockets to close');
  const waiting = await get<JobView>(`jobs/${job.id}`);
  expect(waiting).toMatchObject({ round: 2, state: 'waiting' });
  await Promise.all([quick.connect(), slow.connect()]);
  slow.commit(2);
  quick.commit(2);
  expect((await ended(job.id)).state).toBe('completed');
  const round2 = quick.heard('close').find(({ closed }) => closed.round === 2)!.closed;
  expect(round2.accepted.map(({ hash }) => hash).toSorted()).toEqual(
    [payloadOf(quick.id, 2), payloadOf(slow.id, 2)].toSorted(),
  );
  expect(quick.state).toBe(slow.state);
});

test('a room that died before it told the ledger does so when it is back', async () => {
  const { job, quick, slow } = await midRound();
  await runInDurableObject(stubOf(job.id), (_, state) => {
    // As if the object had died between storing a tick and appending its event.
    const event = {
      type: 'worker.left',
      version: 1,
      subject: job.id,
      data: { workerId: slow.id, reason: 'test', round: 2 },
    };
    state.storage.sql.exec('insert into outbox (event) values (?)', JSON.stringify(event));
  });
  await abortAllDurableObjects();
  await Promise.all([quick.connect(), slow.connect()]);
  slow.commit(2);
  quick.commit(2);
  expect((await ended(job.id)).state).toBe('completed');
  const { events } = await get<{ events: LedgerEvent[] }>('ledger/events?limit=1000');
  expect(events.filter(({ data }) => 'reason' in data && data.reason === 'test')).toHaveLength(1);
  const root = await get<{ events: number; root: string }>('ledger/root');
  expect(auditedRoot(audit(emptyAudit, events))).toBe(root.root);
});

test('while the ledger is down nothing goes out, and nothing is lost', async () => {
  const { job, quick, slow } = await midRound();
  await env.DB.prepare(
    "create trigger down before insert on ledger_event begin select raise(abort, 'down'); end",
  ).run();
  slow.commit(2);
  await until(async () => (await get<JobView>(`jobs/${job.id}`)).round === 3, 'the room to close it');
  expect(quick.heard('close').some(({ closed }) => closed.round === 2)).toBe(false); // but has told nobody
  await env.DB.prepare('drop trigger down').run();
  expect((await ended(job.id)).state).toBe('completed');
  const { events } = await get<{ events: LedgerEvent[] }>(`ledger/events?subject=${job.id}&type=round.closed`);
  const { stateHashes } = await get<{ stateHashes: string[] }>(`jobs/${job.id}/metrics`);
  expect(events.map(({ data }) => 'round' in data && data.round)).toEqual(stateHashes.map((_, round) => round));
});
