// Shows a job on the terminal until it has ended.

import type { JobView, JobWorker } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { hasEnded } from '../../sdk/client.ts';
import { exitCode } from '../exit-code.ts';
import { progressLine } from './progress.ts';
import type { Terminal } from '../terminal.ts';

/**
 * Follows a job: a line for who joins or leaves, and a status line in between.
 * @param check called at each view; throws to stop waiting for a job that nobody works on
 * @returns the last view. @throws LoomError `unavailable` when the coordinator went away.
 */
export async function watchJob(
  client: LoomOSClient,
  id: string,
  { terminal, signal, check }: { terminal: Terminal; signal: AbortSignal; check?: (job: JobView) => void },
): Promise<JobView> {
  const present = new Set<string>();
  for await (const job of client.streamJobStatus(id, { intervalMs: 500, signal })) {
    if (hasEnded(job)) {
      terminal.endStatus();
      return job;
    }
    for (const line of arrivals(present, job)) terminal.say(line);
    terminal.status(progressLine(job, terminal.isLive ? terminal.columns : null), job.state === 'finishing');
    check?.(job);
  }
  terminal.endStatus();
  throw new LoomError('conflict', 'interrupted');
}

/** Follows a job for the user alone, who may leave it: it goes on. Resolves with the exit code. */
export async function showJob(
  client: LoomOSClient,
  id: string,
  options: { terminal: Terminal; signal: AbortSignal },
): Promise<number> {
  const { terminal, signal } = options;
  try {
    const job = await watchJob(client, id, options);
    terminal.result(job, `${job.id} ${job.state}${job.reason === '' ? '' : `: ${job.reason}`}`);
    return job.state === 'completed' ? exitCode.ok : exitCode.failed;
  } finally {
    if (signal.aborted) terminal.say(`the job goes on; \`loomos jobs watch ${id}\` shows it again`);
  }
}

function departure({ leftBecause }: JobWorker): string {
  return leftBecause === undefined ? 'left' : `left: ${leftBecause}`;
}

/** A line for each worker that came or went since the last view. */
export function arrivals(present: Set<string>, job: JobView): string[] {
  const lines: string[] = [];
  for (const worker of job.workers) {
    if (worker.present === present.has(worker.workerId)) continue;
    lines.push(
      `${worker.workerId} ${worker.present ? `joined: ${worker.kind}, ${worker.adapter}` : departure(worker)}`,
    );
    if (worker.present) present.add(worker.workerId);
    else present.delete(worker.workerId);
  }
  return lines;
}
