// Which job a worker gets now, or why it waits. Pure: the queue (queue.ts) reads the jobs, this decides.
// A worker goes back to the job it was in. Else the job that is furthest below its minimum comes first, so that jobs
// start; among jobs that run, the one with the smallest share of its places taken. Ties go to the older job.

import type { JobState } from '../../shared/rounds/types.ts';

export interface Candidate {
  id: string;
  name: string;
  state: JobState;
  createdAt: number;
  min: number; // workers
  max: number;
  present: number;
  countsWorker: boolean; // the asking worker is one of `present`: its old socket was not given up yet
  etaMs: number | null;
  versionNeeded: number; // of the protocol
}

export type Decision = { type: 'job'; jobId: string } | { type: 'wait'; reason: string; retryMs: number };

/** How long a worker waits before it asks again: often enough that a new job starts at once. */
const idleRetryMs = 2_000;
const maxRetryMs = 15_000;

/**
 * @param lastJobId the job this worker was given before, if any
 * @param active those that have not ended
 * @param version of the protocol that the worker speaks
 */
export function decideWork(lastJobId: string | null, active: readonly Candidate[], version: number): Decision {
  const jobs = active.filter(({ versionNeeded }) => versionNeeded <= version);
  if (jobs.length === 0 && active.length > 0) return outdated(version, active);
  const own = jobs.find((job) => job.id === lastJobId && (job.countsWorker || job.present < job.max));
  if (own !== undefined) return { type: 'job', jobId: own.id };
  const open = jobs.filter((job) => job.state !== 'finishing' && job.present < job.max);
  const [best] = open.toSorted(
    (a, b) => missing(b) - missing(a) || a.present / a.max - b.present / b.max || a.createdAt - b.createdAt,
  );
  return best === undefined ? wait(jobs) : { type: 'job', jobId: best.id };
}

function outdated(version: number, active: readonly Candidate[]): Decision {
  const [{ name, versionNeeded }, ...others] = active as [Candidate, ...Candidate[]];
  const which = others.length === 0 ? name : `${name} and every other job`;
  const reason = `${which} needs protocol ${versionNeeded}; this worker speaks ${version} and has to be updated.`;
  return { type: 'wait', reason, retryMs: maxRetryMs };
}

function missing(job: Candidate): number {
  return Math.max(0, job.min - job.present);
}

function wait(active: readonly Candidate[]): Decision {
  if (active.length === 0)
    return {
      type: 'wait',
      reason: 'No job is running; this worker starts when one is submitted.',
      retryMs: idleRetryMs,
    };
  const etas = active.flatMap(({ etaMs }) => (etaMs === null ? [] : [etaMs]));
  const soonest = etas.length === 0 ? null : Math.min(...etas);
  const jobs =
    active.length === 1
      ? `${active[0]!.name} has all the workers it asked for`
      : `All ${active.length} jobs have the workers they asked for`;
  const next = soonest === null ? '' : `, the next ends in about ${minutes(soonest)}`;
  const retryMs = soonest === null ? maxRetryMs : Math.min(maxRetryMs, Math.max(idleRetryMs, Math.round(soonest / 4)));
  return { type: 'wait', reason: `${jobs}${next}.`, retryMs };
}

function minutes(ms: number): string {
  return ms < 60_000 ? 'a minute' : `${Math.round(ms / 60_000)} min`;
}
