// `loomos jobs submit MANIFEST`: hands a job to a coordinator.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { prepare, submit } from '../job/submit.ts';
import { watchJob } from '../job/watch.ts';

export const jobsSubmit: Command = {
  name: 'jobs submit',
  summary: 'hand a job to a coordinator; its text is uploaded first',
  arguments: ['MANIFEST'],
  options: { ...coordinatorOptions, follow: { summary: 'show its progress until it has ended', short: 'f' } },
  run: async (call) => {
    const { terminal, signal } = call;
    const prepared = await prepare(call.arguments[0]!);
    const client = clientOf(call);
    const job = await submit(client, prepared);
    if (call.options['follow'] !== true) {
      terminal.result(job, job.id);
      return exitCode.ok;
    }
    terminal.say(`job ${job.id}`);
    const final = await watchJob(client, job.id, { terminal, signal });
    terminal.result(final, `${final.id} ${final.state}${final.reason === '' ? '' : `: ${final.reason}`}`);
    return final.state === 'completed' ? exitCode.ok : exitCode.failed;
  },
};
