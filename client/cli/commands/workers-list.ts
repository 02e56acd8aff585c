// `loomos workers list`: who was here in the last day, and on which job.

import type { WorkerView } from '../../../shared/api/schemas.ts';
import { formatAgo } from '../../page/format.ts';
import { columns } from '../columns.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const workersList: Command = {
  name: 'workers list',
  summary: 'workers that were heard of in the last day, newest first',
  options: coordinatorOptions,
  run: async (call) => {
    const workers = await clientOf(call).listWorkers();
    const now = Date.now();
    const rows = workers.map((worker) => row(worker, now));
    call.terminal.result({ workers }, workers.length === 0 ? 'no workers' : columns([header, ...rows]));
    return exitCode.ok;
  },
};

const header = ['WORKER', 'NAME', 'KIND', 'JOB', 'HEARD OF', 'ADAPTER'];

function row({ workerId, name, kind, jobId, seenAt, adapter }: WorkerView, now: number): string[] {
  return [workerId, name === '' ? '-' : name, kind, jobId ?? '-', formatAgo(now - seenAt), adapter];
}
