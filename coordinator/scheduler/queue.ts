// The queue of jobs as D1 knows it, and giving a worker its place in one.

import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { Work } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import type { Database } from '../db/database.ts';
import { activeStates, findJob } from '../db/jobs.ts';
import { jobs, workers } from '../db/schema.ts';
import { decideWork } from './decide.ts';
import type { Candidate } from './decide.ts';

/** Decides, and remembers the decision, so that the worker comes back to the same job. */
export async function workFor(db: Database, workerId: string, now: number): Promise<Work> {
  const [[worker], candidates] = await Promise.all([
    db.select().from(workers).where(eq(workers.id, workerId)),
    queuedJobs(db, workerId),
  ]);
  if (worker === undefined)
    throw new LoomError('unauthorized', 'this coordinator does not know that worker', {
      allowed: 'a token from POST /api/v1/workers',
    });
  const decision = decideWork(worker.jobId, candidates);
  const jobId = decision.type === 'job' ? decision.jobId : null;
  await db.update(workers).set({ seenAt: now, jobId }).where(eq(workers.id, workerId));
  if (decision.type === 'wait') return decision;
  return { type: 'job', job: await findJob(db, decision.jobId) };
}

async function queuedJobs(db: Database, workerId: string): Promise<Candidate[]> {
  const places = (bound: 'min' | 'max') =>
    sql<number>`json_extract(${jobs.manifest}, ${`$.spec.resources.workers.${bound}`})`;
  const countsWorker =
    sql`exists (select 1 from json_each(${jobs.workers}) where value->>'workerId' = ${workerId} and value->>'present')`.mapWith(
      Boolean,
    );
  return db
    .select({
      countsWorker,
      id: jobs.id,
      name: jobs.name,
      state: jobs.state,
      createdAt: jobs.createdAt,
      min: places('min'),
      max: places('max'),
      present: jobs.workersPresent,
      etaMs: jobs.etaMs,
    })
    .from(jobs)
    .where(inArray(jobs.state, [...activeStates]))
    .orderBy(asc(jobs.createdAt))
    .limit(1000);
}
