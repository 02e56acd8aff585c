// Which job stands in the middle of the page.

import { jobId, type JobView } from '../../../shared/api/schemas.ts';

const order: Record<JobView['state'], number> = {
  running: 0,
  finishing: 1,
  waiting: 2,
  queued: 3,
  completed: 4,
  failed: 4,
  cancelled: 4,
};

/**
 * The one in the address if it exists, else the one this tab works on, else the liveliest, else the newest.
 * @param jobs newest first
 */
export function chooseJob(
  jobs: readonly JobView[],
  addressed: string | null,
  workingOn: string | null,
): JobView | null {
  const named = (id: string | null) => jobs.find((job) => job.id === id);
  return named(addressed) ?? named(workingOn) ?? jobs.toSorted((a, b) => order[a.state] - order[b.state])[0] ?? null;
}

/** The job that the address names, as `#moby-dick-4f0c19`. Other fragments are places on the page. */
export function jobOfAddress(fragment: string): string | null {
  const parsed = jobId.safeParse(fragment.replace(/^#/, ''));
  return parsed.success ? parsed.data : null;
}
