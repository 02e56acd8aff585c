// Bans across jobs: what one job's room found is in the ledger, and from there keeps a worker out of all jobs, until it ends or
// is lifted. Good standing goes along the same way.

import { runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { RoomStore } from '../../coordinator/cluster/room/room-store.ts';
import { database } from '../../coordinator/db/database.ts';
import { reputations } from '../../coordinator/db/schema.ts';
import { queryEvents } from '../../coordinator/ledger/query.ts';
import { ledger } from '../../coordinator/ledger/writer.ts';
import type { BanView } from '../../shared/api/schemas.ts';
import type { LedgerEventDraft } from '../../shared/ledger/events.ts';
import { firstBanMs, reputationChange, unknownReputation } from '../../shared/verification/reputation.ts';
import type { Reputation } from '../../shared/verification/reputation.ts';
import { auditProbability } from '../../shared/verification/standing.ts';
import { asOwner, asWorker, env, errorOf, migrate, register, request, submit, until } from './api.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

const db = database(env.DB);
const reason = 'most workers that computed its shard of round 3 again got something else';

let written = 0;
function record(...events: LedgerEventDraft[]): Promise<void> {
  return ledger(env).append(events.map((event) => ({ key: `bans/${written++}`, event })));
}

function banOf(workerId: string): LedgerEventDraft {
  return { type: 'worker.banned', version: 1, subject: 'whale-1', data: { workerId, reason, round: 3 } };
}

function auditOf(workerId: string, isSame = true): LedgerEventDraft {
  const data = { round: 1, workerId, auditor: 'w-00000009', cosine: 1, isSame };
  return { type: 'shard.audited', version: 1, subject: 'whale-1', data };
}

function bans(): Promise<BanView[]> {
  return asOwner('bans', 'GET').then(async (response) => (await response.json<{ bans: BanView[] }>()).bans);
}

test('who was banned in one job gets no work and enters no room, and hears why, since when and until when', async () => {
  const { id } = await submit();
  const worker = await ProtocolWorker.join(id);
  await until(() => worker.heard('welcome').length > 0, 'a welcome');
  worker.drop();
  await record(banOf(worker.id));
  const refusal = await errorOf(asWorker(worker.token, 'workers/me/work'));
  expect(refusal).toMatchObject({ status: 403, code: 'forbidden' });
  for (const part of [reason, 'whale-1', 'since 20', 'until 20']) expect(refusal.message).toContain(part);
  await worker.connect();
  await until(() => worker.closed, 'the end of the connection');
  expect(worker.heard('refused')).toMatchObject([{ code: 'forbidden', message: refusal.message }]);
});

test('the owner lists bans and lifts one; nobody else may, and none is lifted twice', async () => {
  const [first, second] = [await register(), await register()];
  await record(banOf(first.workerId), banOf(second.workerId));
  const [ban] = (await bans()).filter(({ workerId }) => workerId === first.workerId);
  expect(ban).toMatchObject({ jobId: 'whale-1', reason });
  expect(ban!.until - ban!.since).toBe(firstBanMs);
  for (const response of [errorOf(request('bans')), errorOf(asWorker(first.token, `bans/${first.workerId}`, 'DELETE'))])
    expect(await response).toMatchObject({ status: 401, code: 'unauthorized' });
  expect((await asOwner(`bans/${first.workerId}`, 'DELETE')).status).toBe(200);
  expect(await errorOf(asOwner(`bans/${first.workerId}`, 'DELETE'))).toMatchObject({ status: 404, code: 'not_found' });
  expect((await asWorker(first.token, 'workers/me/work')).status).toBe(200);
  expect((await bans()).map(({ workerId }) => workerId)).not.toContain(first.workerId);
  await record(banOf(first.workerId));
  const [again] = (await bans()).filter(({ workerId }) => workerId === first.workerId);
  expect(again!.until - again!.since).toBe(2 * firstBanMs);
});

test('a worker in good standing brings it into a job, where it is audited less', async () => {
  const { id } = await submit({ verification: 'standard' });
  const [known, accused] = [await register(), await register()];
  await record(...Array.from({ length: 12 }, () => auditOf(known.workerId)), auditOf(accused.workerId, false));
  for (const one of [known, accused]) await (await ProtocolWorker.join(id, {}, one)).next('welcome');
  const { standings } = await runInDurableObject(
    env.ROOMS.get(env.ROOMS.idFromName(id)),
    (_, { storage }) => new RoomStore(storage).readState().court,
  );
  expect(standings[known.workerId]).toMatchObject({ valid: 12, state: 'good' });
  expect(auditProbability(standings[known.workerId]!)).toBeLessThan(0.1);
  expect(standings[accused.workerId]).toBeUndefined();
});

test('the table is what folding the ledger anew gives', async () => {
  const workers = [await register(), await register()];
  for (const { workerId } of workers) await record(auditOf(workerId), auditOf(workerId), banOf(workerId));
  await asOwner(`bans/${workers[0]!.workerId}`, 'DELETE');
  await record(auditOf(workers[0]!.workerId), auditOf(workers[1]!.workerId, false));
  const folded = new Map<string, Reputation>();
  for (const event of await queryEvents(db, { after: -1, limit: 1000 })) {
    const change = reputationChange(event);
    if (change === null) continue;
    folded.set(change.workerId, change.fold(folded.get(change.workerId) ?? unknownReputation, event.at));
  }
  const rows = await db.select().from(reputations);
  expect(rows.length).toBeGreaterThan(1);
  expect(new Map(rows.map(({ workerId, reputation }) => [workerId, reputation]))).toEqual(folded);
});
