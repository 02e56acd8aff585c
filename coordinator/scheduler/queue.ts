// The queue of jobs as D1 knows it, and giving a worker its place in one.

import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { Work } from '../../shared/api/schemas.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { manifestIn } from '../../shared/manifest/earlier.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';
import { versionNeeded } from '../../shared/protocol/version.ts';
import { LoomError } from '../../shared/errors.ts';
import type { Database } from '../db/database.ts';
import { activeStates, findJob, workersOf } from '../db/jobs.ts';
import { jobs, workers } from '../db/schema.ts';
import { recordOf } from '../market/reputation.ts';
import { decideWork } from './decide.ts';
import type { Candidate } from './decide.ts';

/** Who asks for work. */
export interface Asking {
  workerId: string;
  version: number; // of the protocol that it speaks
}

/** Decides, and remembers the decision, so that the worker comes back to the same job. @throws LoomError `forbidden` when banned */
export async function workFor(db: Database, { workerId, version }: Asking, now: number): Promise<Work> {
  const [[worker], candidates] = await Promise.all([
    db.select().from(workers).where(eq(workers.id, workerId)),
    queuedJobs(db, workerId, version),
    recordOf(db, workerId, now), // throws when it is banned
  ]);
  if (worker === undefined)
    throw new LoomError('unauthorized', 'this coordinator does not know that worker', {
      allowed: 'a token from POST /api/v1/workers',
    });
  const decision = decideWork(worker.jobId, candidates, version);
  const jobId = decision.type === 'job' ? decision.jobId : null;
  await db.update(workers).set({ seenAt: now, jobId }).where(eq(workers.id, workerId));
  if (decision.type === 'wait') return decision;
  const job = await findJob(db, decision.jobId);
  return { type: 'job', job: { ...job, manifest: manifestIn(version, job.manifest as Manifest) } };
}

async function queuedJobs(db: Database, workerId: string, version: number): Promise<Candidate[]> {
  // Where not all are listed nobody knows: one worker more does a large job no harm.
  const isPartial = sql`json_array_length(${jobs.workers}) < ${jobs.workersPresent}`;
  const isListed = sql`exists (select 1 from json_each(${jobs.workers}) where value->>'workerId' = ${workerId} and value->>'present')`;
  const rows = await db
    .select({
      countsWorker: sql`${isPartial} or ${isListed}`.mapWith(Boolean),
      id: jobs.id,
      name: jobs.name,
      manifest: version < protocolVersion ? jobs.manifest : sql<null>`null`, // who speaks ours can do every job
      state: jobs.state,
      createdAt: jobs.createdAt,
      min: workersOf('min'),
      max: workersOf('max'),
      present: jobs.workersPresent,
      etaMs: jobs.etaMs,
    })
    .from(jobs)
    .where(inArray(jobs.state, [...activeStates]))
    .orderBy(asc(jobs.createdAt))
    .limit(1000);
  return rows.map(({ manifest, ...row }) => ({
    ...row,
    versionNeeded: manifest === null ? 1 : versionNeeded(manifest),
  }));
}
