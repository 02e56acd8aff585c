// `loomos jobs watch JOB`: a job's progress in one line, until it has ended.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { showJob } from '../job/watch.ts';

export const jobsWatch: Command = {
  name: 'jobs watch',
  summary: 'progress of a job until it has ended; Ctrl-C leaves it alone',
  arguments: ['JOB'],
  options: coordinatorOptions,
  endsItself: true,
  run: async (call) => showJob(clientOf(call), call.arguments[0]!, call),
};
