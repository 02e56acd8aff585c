// `loomos cluster status`: the whole cluster in a few lines.

import { formatCount, formatRate } from '../../page/format.ts';
import { clientOf, coordinatorOptions, coordinatorUrl } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import type { ClusterNodes } from '../../../shared/api/leadership.ts';

export const clusterStatus: Command = {
  name: 'cluster status',
  summary: 'jobs, workers, leading nodes and ledger of a coordinator',
  options: coordinatorOptions,
  run: async (call) => {
    const client = clientOf(call);
    const [status, nodes] = await Promise.all([client.clusterStatus(), client.clusterNodes()]);
    const jobs = Object.entries(status.jobs).filter(([, count]) => count > 0);
    const text = [
      `coordinator  ${coordinatorUrl(call)}, version ${status.version}, protocol ${status.protocolVersion}`,
      `workers      ${status.workers.present} here, ${status.workers.training} training, ${formatRate(status.tokensPerSecond)} tokens/s`,
      `jobs         ${jobs.length === 0 ? 'none' : jobs.map(([state, count]) => `${count} ${state}`).join(', ')}`,
      `leader       ${leaderLine(nodes)}`,
      ...nodes.nodes.map(({ nodeId, role, present }) => `  ${nodeId}: ${role}${present ? '' : ', silent'}`),
      `ledger       ${formatCount(status.ledger.events)} events, root ${status.ledger.root}`,
    ];
    call.terminal.result({ ...status, nodes }, text.join('\n'));
    return exitCode.ok;
  },
};

function leaderLine({ leader, fence, isElecting, nodes }: ClusterNodes): string {
  if (nodes.length === 0) return 'no node takes part (`loomos cluster join`)';
  const who = leader === null ? `nobody, the last one had fence ${fence}` : `${leader}, fence ${fence}`;
  return isElecting ? `${who}; an election is called` : who;
}
