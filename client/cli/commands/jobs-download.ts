// `loomos jobs download JOB`: the model and the numbers of a finished job.

import { resolve } from 'node:path';
import { LoomError } from '../../../shared/errors.ts';
import { hasEnded } from '../../sdk/client.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { writeResults } from '../job/results.ts';
import { checkFreeFolder, forceOption } from '../out-file.ts';

export const jobsDownload: Command = {
  name: 'jobs download',
  summary: 'the model of a finished job, with its report and loss curve',
  arguments: ['JOB'],
  options: {
    ...coordinatorOptions,
    out: { value: 'DIR', summary: 'folder for the files (default out/JOB)' },
    ...forceOption,
  },
  run: async (call) => {
    const client = clientOf(call);
    const id = call.arguments[0]!;
    const job = await client.getJob(id);
    if (!hasEnded(job))
      throw new LoomError('conflict', `the job is ${job.state}`, { where: job.id, allowed: 'a job that has ended' });
    const folder = resolve(textOption(call, 'out') ?? `out/${id}`);
    if (call.options['force'] !== true) checkFreeFolder(folder, job.id);
    const { files } = await writeResults(client, job, folder);
    call.terminal.result({ folder, files }, `in ${folder}: ${files.join(', ')}`);
    return exitCode.ok;
  },
};
