// `loomos jobs logs JOB`: what happened, line by line.

import type { LogLine } from '../../../shared/api/schemas.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const jobsLogs: Command = {
  name: 'jobs logs',
  summary: 'what happened to a job, line by line',
  details: `
With --json every line is a JSON object of its own.`,
  arguments: ['JOB'],
  options: { ...coordinatorOptions, follow: { summary: 'go on until the job has ended', short: 'f' } },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const [client, id] = [clientOf(call), call.arguments[0]!];
    const lines = call.options['follow'] === true ? client.followLogs(id, { signal }) : await client.jobLogs(id);
    for await (const line of lines) terminal.result(line, textOf(line));
    return signal.aborted ? exitCode.interrupted : exitCode.ok;
  },
};

function textOf({ at, level, text }: LogLine): string {
  return `${new Date(at).toISOString()}  ${level === 'info' ? '' : `${level}: `}${text}`;
}
