// What this coordinator knows of its workers from all jobs: the table is a projection of the ledger, written in the same
// transaction as the events it folds (ledger/append.ts). Whether a worker may take part is decided from it, here.

import { eq, gt, inArray, sql } from 'drizzle-orm';
import type { BanView } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import type { LedgerEventDraft } from '../../shared/ledger/events.ts';
import { banAt, recordAt, reputationChange, unknownReputation } from '../../shared/verification/reputation.ts';
import type { Ban, Reputation, WorkerRecord } from '../../shared/verification/reputation.ts';
import type { Database } from '../db/database.ts';
import { reputations } from '../db/schema.ts';

export interface ReputationRow {
  workerId: string;
  bannedUntil: number; // 0 = not banned
  reputation: Reputation;
}

/** The rows that these events change, as they are afterwards. */
export async function foldReputations(
  db: Database,
  events: readonly LedgerEventDraft[],
  at: number,
): Promise<ReputationRow[]> {
  const changes = events.flatMap((event) => reputationChange(event) ?? []);
  if (changes.length === 0) return [];
  const folded = await readReputations(db, [...new Set(changes.map(({ workerId }) => workerId))]);
  for (const { workerId, fold } of changes) {
    folded.set(workerId, fold(folded.get(workerId) ?? unknownReputation, at));
  }
  return [...folded].map(([workerId, reputation]) => ({
    workerId,
    reputation,
    bannedUntil: reputation.ban?.until ?? 0,
  }));
}

async function readReputations(db: Database, ids: readonly string[]): Promise<Map<string, Reputation>> {
  const rows = await db
    .select()
    .from(reputations)
    .where(inArray(reputations.workerId, sql`(select value from json_each(${JSON.stringify(ids)}))`));
  return new Map(rows.map(({ workerId, reputation }) => [workerId, reputation]));
}

/** Statement that stores them, with one parameter however many there are. */
export function storeReputations(db: Database, rows: readonly ReputationRow[]) {
  const columns = sql`value->>'workerId', value->>'bannedUntil', value->'reputation'`;
  return db
    .insert(reputations)
    .select(sql`select ${columns} from json_each(${JSON.stringify(rows)}) where true`)
    .onConflictDoUpdate({
      target: reputations.workerId,
      set: { bannedUntil: sql`excluded.banned_until`, reputation: sql`excluded.reputation` },
    });
}

/**
 * What a worker that wants to take part brings along.
 * @throws LoomError `forbidden` while it is banned: where, why, since and until when
 */
export async function recordOf(db: Database, workerId: string, now: number): Promise<WorkerRecord> {
  const [row] = await db.select().from(reputations).where(eq(reputations.workerId, workerId));
  const reputation = row?.reputation ?? unknownReputation;
  const ban = banAt(reputation, now);
  if (ban !== null) throw new LoomError('forbidden', banText(ban), { where: workerId });
  return recordAt(reputation, now);
}

function banText({ jobId, reason, since, until }: Ban): string {
  const [from, to] = [since, until].map((at) => new Date(at).toISOString().slice(0, 16).replace('T', ' '));
  return `this worker is banned from all jobs here since ${from} UTC until ${to} UTC, for what it did in ${jobId}: ${reason}`;
}

/** Workers that are banned now, those whose ban ends last first. */
export async function listBans(db: Database, now: number): Promise<BanView[]> {
  const rows = await db
    .select()
    .from(reputations)
    .where(gt(reputations.bannedUntil, now))
    .orderBy(sql`${reputations.bannedUntil} desc`)
    .limit(1000);
  return rows.flatMap(({ workerId, reputation: { ban } }) => (ban === null ? [] : [{ workerId, ...ban }]));
}

/** @throws LoomError `not_found` */
export async function findBan(db: Database, workerId: string, now: number): Promise<Ban> {
  const [found] = await readReputations(db, [workerId]).then((known) => [...known.values()]);
  const ban = found === undefined ? null : banAt(found, now);
  if (ban === null) throw new LoomError('not_found', `${workerId} is not banned`);
  return ban;
}
