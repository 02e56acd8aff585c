// `loomos jobs submit MANIFEST`: hands a job to a coordinator.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { listOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { setOption } from '../job/manifest-file.ts';
import { prepare, submit } from '../job/submit.ts';
import { showJob } from '../job/watch.ts';

export const jobsSubmit: Command = {
  name: 'jobs submit',
  summary: 'hand a job to a coordinator; its text is uploaded first',
  arguments: ['MANIFEST'],
  options: {
    ...coordinatorOptions,
    ...setOption,
    follow: { summary: 'show its progress until it has ended', short: 'f' },
  },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const prepared = await prepare(call.arguments[0]!, listOption(call, 'set'));
    const client = clientOf(call);
    const job = await submit(client, prepared);
    if (call.options['follow'] !== true) {
      terminal.result(job, job.id);
      return exitCode.ok;
    }
    terminal.say(`job ${job.id}`);
    return showJob(client, job.id, { terminal, signal });
  },
};
