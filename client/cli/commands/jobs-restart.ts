// `loomos jobs restart JOB`: the same manifest once more.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const jobsRestart: Command = {
  name: 'jobs restart',
  summary: "submit a job's manifest once more, as a new job",
  details: `
The old job stays as it is; the new one begins anew, with the same text and seed.`,
  arguments: ['JOB'],
  options: coordinatorOptions,
  run: async (call) => {
    const job = await clientOf(call).restartJob(call.arguments[0]!);
    call.terminal.result(job, job.id);
    return exitCode.ok;
  },
};
