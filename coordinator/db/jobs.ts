// The jobs table and what the API shows of it. The room of a job writes its progress here; nobody else changes a row.

import { desc, eq, inArray, sql } from 'drizzle-orm';
import type { JobView } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import type { JobState } from '../../shared/rounds/types.ts';
import type { Database } from './database.ts';
import { jobs, workers } from './schema.ts';

export type JobRow = typeof jobs.$inferSelect;

/** What never changes about a job. */
export type JobFacts = Pick<
  JobRow,
  'id' | 'name' | 'owner' | 'manifest' | 'datasetHash' | 'datasetBytes' | 'createdAt'
>;
/** What its room keeps up to date. */
export type JobProgress = Omit<JobView, 'id' | 'name' | 'owner' | 'manifest' | 'dataset' | 'createdAt'>;

export const activeStates: readonly JobState[] = ['queued', 'waiting', 'running', 'finishing'];

export function jobView(facts: JobFacts, progress: JobProgress): JobView {
  const { id, name, owner, manifest, createdAt, datasetHash, datasetBytes } = facts;
  return { id, name, owner, manifest, createdAt, dataset: { sha256: datasetHash, bytes: datasetBytes }, ...progress };
}

/** @throws LoomError `not_found` */
export async function findJob(db: Database, id: string): Promise<JobView> {
  return viewOfRow(await findJobRow(db, id));
}

/** @throws LoomError `not_found` */
export async function findJobRow(db: Database, id: string): Promise<JobRow> {
  const [row] = await db.select().from(jobs).where(eq(jobs.id, id));
  if (row === undefined) throw new LoomError('not_found', `no job ${id}`, { where: id });
  return row;
}

/** What decides where a job's workers connect; null when there is no such job. */
export async function findPlaces(db: Database, id: string): Promise<{ maxWorkers: number; isActive: boolean } | null> {
  const [row] = await db
    .select({ state: jobs.state, maxWorkers: workersOf('max') })
    .from(jobs)
    .where(eq(jobs.id, id));
  return row === undefined ? null : { maxWorkers: row.maxWorkers, isActive: activeStates.includes(row.state) };
}

/** How many workers a job asks for, in SQL. */
export function workersOf(bound: 'min' | 'max') {
  return sql<number>`json_extract(${jobs.manifest}, ${`$.spec.resources.workers.${bound}`})`;
}

/** The newest jobs first. */
export async function listJobs(db: Database, state: JobState | undefined, limit: number): Promise<JobView[]> {
  const filter = state === undefined ? undefined : eq(jobs.state, state);
  const rows = await db.select().from(jobs).where(filter).orderBy(desc(jobs.createdAt)).limit(limit);
  return rows.map(viewOfRow);
}

/** Writes what the room knows. */
export async function updateProgress(db: Database, id: string, progress: JobProgress): Promise<void> {
  await db.update(jobs).set(progress).where(eq(jobs.id, id));
}

/** Writes that these workers of a job were heard of: one row each. */
export async function noteSeen(db: Database, id: string, workerIds: readonly string[], now: number): Promise<void> {
  if (workerIds.length === 0) return;
  const ids = JSON.stringify(workerIds);
  await db
    .update(workers)
    .set({ jobId: id, seenAt: now })
    .where(inArray(workers.id, sql`(select value from json_each(${ids}))`));
}

function viewOfRow(row: JobRow): JobView {
  const { id, name, owner, manifest, datasetHash, datasetBytes, createdAt, ...progress } = row;
  return jobView({ id, name, owner, manifest, datasetHash, datasetBytes, createdAt }, progress);
}
