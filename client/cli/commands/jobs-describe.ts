// `loomos jobs describe JOB`: all about one job.

import { stringify } from 'yaml';
import type { JobView } from '../../../shared/api/schemas.ts';
import { formatBytes, formatCount, formatLoss, formatRate } from '../../page/format.ts';
import { columns } from '../columns.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { progressLine } from '../job/progress.ts';

export const jobsDescribe: Command = {
  name: 'jobs describe',
  summary: 'all about one job: progress, workers, manifest',
  arguments: ['JOB'],
  options: coordinatorOptions,
  run: async (call) => {
    const job = await clientOf(call).getJob(call.arguments[0]!);
    call.terminal.result(job, describe(job));
    return exitCode.ok;
  },
};

function describe(job: JobView): string {
  const workers = job.workers.map((worker) => [
    worker.workerId,
    worker.present ? (worker.paused ? 'paused' : 'here') : 'away',
    worker.kind,
    worker.adapter,
    `${formatRate(worker.tokensPerSecond)} tokens/s`,
    `${formatCount(worker.tokensAccepted)} tokens`,
    `${formatBytes(worker.bytesSent)} sent`,
  ]);
  return [
    `${job.id}  ${job.state}${job.reason === '' ? '' : `: ${job.reason}`}`,
    progressLine(job, null),
    ...(job.evaluation === null ? [] : [`finished model: validation loss ${formatLoss(job.evaluation.loss, 4)}`]),
    `data: ${formatBytes(job.dataset.bytes)}, SHA-256 ${job.dataset.sha256}`,
    '',
    workers.length === 0 ? 'no workers yet' : columns(workers),
    '',
    stringify(job.manifest).trimEnd(),
  ].join('\n');
}
