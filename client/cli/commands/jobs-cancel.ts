// `loomos jobs cancel JOB`: ends a job.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const jobsCancel: Command = {
  name: 'jobs cancel',
  summary: 'end a job; what it reached so far stays',
  arguments: ['JOB'],
  options: coordinatorOptions,
  run: async (call) => {
    const job = await clientOf(call).cancelJob(call.arguments[0]!);
    call.terminal.result(job, `${job.id} ${job.state}`);
    return exitCode.ok;
  },
};
