// `loomos cluster status`: the whole cluster in five lines.

import { formatCount, formatRate } from '../../page/format.ts';
import { clientOf, coordinatorOptions, coordinatorUrl } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const clusterStatus: Command = {
  name: 'cluster status',
  summary: 'jobs, workers and ledger of a coordinator',
  options: coordinatorOptions,
  run: async (call) => {
    const status = await clientOf(call).clusterStatus();
    const jobs = Object.entries(status.jobs).filter(([, count]) => count > 0);
    const text = [
      `coordinator  ${coordinatorUrl(call)}, version ${status.version}, protocol ${status.protocolVersion}`,
      `workers      ${status.workers.present} here, ${status.workers.training} training, ${formatRate(status.tokensPerSecond)} tokens/s`,
      `jobs         ${jobs.length === 0 ? 'none' : jobs.map(([state, count]) => `${count} ${state}`).join(', ')}`,
      `ledger       ${formatCount(status.ledger.events)} events, root ${status.ledger.root}`,
    ];
    call.terminal.result(status, text.join('\n'));
    return exitCode.ok;
  },
};
