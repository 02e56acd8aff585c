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

/** Whether there is such a job and it has not ended. */
export async function isJobActive(db: Database, id: string): Promise<boolean> {
  const [row] = await db.select({ state: jobs.state }).from(jobs).where(eq(jobs.id, id));
  return row !== undefined && activeStates.includes(row.state);
}

/** The newest jobs first. */
export async function listJobs(db: Database, state: JobState | undefined, limit: number): Promise<JobView[]> {
  const filter = state === undefined ? undefined : eq(jobs.state, state);
  const rows = await db.select().from(jobs).where(filter).orderBy(desc(jobs.createdAt)).limit(limit);
  return rows.map(viewOfRow);
}

/** Writes what the room knows, and that its present workers were heard of. */
export async function updateProgress(db: Database, id: string, progress: JobProgress, now: number): Promise<void> {
  const present = progress.workers.filter((worker) => worker.present).map(({ workerId }) => workerId);
  const ids = JSON.stringify(present);
  await db.batch([
    db
      .update(jobs)
      .set({ ...progress, workersPresent: present.length })
      .where(eq(jobs.id, id)),
    db
      .update(workers)
      .set({ jobId: id, seenAt: now })
      .where(inArray(workers.id, sql`(select value from json_each(${ids}))`)),
  ]);
}

function viewOfRow({ workersPresent: _, ...row }: JobRow): JobView {
  const { id, name, owner, manifest, datasetHash, datasetBytes, createdAt, ...progress } = row;
  return jobView({ id, name, owner, manifest, datasetHash, datasetBytes, createdAt }, progress);
}
