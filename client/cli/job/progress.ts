// One line about a running job: round, loss, speed, peers, bytes sent, how far and how long still.

import { presentWorkers } from '../../../shared/api/schemas.ts';
import type { JobView } from '../../../shared/api/schemas.ts';
import { formatBytes, formatCount, formatDuration, formatLoss, formatRate, formatShare } from '../../page/format.ts';

const barWidth = 20;

/** @param columns the line is cut to, or null for no limit and no bar (a pipe) */
export function progressLine(job: JobView, columns: number | null): string {
  const present = presentWorkers(job);
  if (job.round === 0 && job.tokens === 0) return fit(waitingLine(job, present), columns);
  const sent = job.workers.reduce((sum, worker) => sum + worker.bytesSent, 0);
  const parts = [
    ...(columns === null ? [] : [bar(job.progress)]),
    formatShare(job.progress),
    `round ${formatCount(job.round)}`,
    `loss ${formatLoss(job.trainLoss, 3)}`,
    ...(job.validationLoss === null ? [] : [`validation ${formatLoss(job.validationLoss, 3)}`]),
    `${formatRate(job.tokensPerSecond)} tokens/s`,
    `${present} ${present === 1 ? 'peer' : 'peers'}`,
    `${formatBytes(sent)} sent`,
    ...(job.state === 'finishing' ? ['finishing'] : job.etaMs === null ? [] : [`ETA ${formatDuration(job.etaMs)}`]),
  ];
  return fit(parts.join('  '), columns);
}

function waitingLine(job: JobView, present: number): string {
  const reason = job.reason !== '' ? job.reason : present === 0 ? 'for workers' : 'the first round';
  return `${job.state}: ${reason} (${present} ${present === 1 ? 'worker' : 'workers'} here)`;
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`;
}

/** A line that wraps cannot be redrawn in place. */
function fit(line: string, columns: number | null): string {
  return columns !== null && line.length >= columns ? `${line.slice(0, Math.max(0, columns - 2))}…` : line;
}
