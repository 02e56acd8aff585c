// `loomos jobs list`: the newest jobs, one a line.

import type { JobView } from '../../../shared/api/schemas.ts';
import { jobState, presentWorkers } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import { formatCount, formatLoss, formatShare } from '../../page/format.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Call, Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { wholeNumber } from '../parse.ts';
import { columns } from '../columns.ts';

export const jobsList: Command = {
  name: 'jobs list',
  summary: 'the newest jobs',
  options: {
    ...coordinatorOptions,
    state: { value: 'STATE', summary: `only those that are ${jobState.options.join(', ')}` },
    limit: { value: 'N', summary: 'how many at most', default: '50' },
  },
  run: async (call) => {
    const state = stateOption(call);
    const limit = wholeNumber(textOption(call, 'limit')!, 'limit', 1, 200);
    const jobs = await clientOf(call).listJobs({ limit, ...(state !== undefined && { state }) });
    call.terminal.result({ jobs }, jobs.length === 0 ? 'no jobs' : columns([header, ...jobs.map(row)]));
    return exitCode.ok;
  },
};

const header = ['JOB', 'STATE', 'DONE', 'ROUND', 'TOKENS', 'LOSS', 'WORKERS'];

function row(job: JobView): string[] {
  const [round, tokens] = [formatCount(job.round), formatCount(job.tokens)];
  return [
    job.id,
    job.state,
    formatShare(job.progress),
    round,
    tokens,
    formatLoss(job.validationLoss ?? job.trainLoss, 3),
    String(presentWorkers(job)),
  ];
}

function stateOption(call: Call): JobView['state'] | undefined {
  const text = textOption(call, 'state');
  const result = jobState.optional().safeParse(text);
  if (result.success) return result.data;
  throw new LoomError('invalid_request', `there is no state '${text}'`, {
    where: '--state',
    allowed: jobState.options.join(', '),
  });
}
