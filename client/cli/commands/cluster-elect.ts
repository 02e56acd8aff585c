// `loomos cluster elect`: makes the leading node yield, for maintenance.

import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const clusterElect: Command = {
  name: 'cluster elect',
  summary: 'have another node lead the cluster',
  details: `
The leader is asked to yield; when it has stopped, or its lease has run out, another follows. Needs the owner token.`,
  options: {
    ...coordinatorOptions,
    node: { value: 'NODE', summary: 'who is to lead (default: any node but the last leader)' },
  },
  run: async (call) => {
    const nodeId = textOption(call, 'node');
    const nodes = await clientOf(call).triggerElection(nodeId === undefined ? {} : { nodeId });
    const whom = nodes.leader === null ? 'nobody led' : `${nodes.leader} is asked to yield`;
    call.terminal.result(nodes, `${whom}; ${nodeId ?? 'another node'} leads next, with a fence above ${nodes.fence}`);
    return exitCode.ok;
  },
};
