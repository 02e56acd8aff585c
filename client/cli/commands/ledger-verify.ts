// `loomos ledger verify`: recomputes the Merkle root from all events, without trusting the coordinator.

import { verifyLedger } from '../../sdk/verify-ledger.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const ledgerVerify: Command = {
  name: 'ledger verify',
  summary: 'recompute the Merkle root from all events and compare',
  details: `
Exits 1 when an event was changed or is missing.`,
  options: coordinatorOptions,
  run: async (call) => {
    const verdict = await verifyLedger(clientOf(call));
    const { events, root, verified, problem } = verdict;
    call.terminal.result(verdict, verified ? `verified: ${events} events, root ${root}` : `NOT VERIFIED: ${problem}`);
    return verified ? exitCode.ok : exitCode.failed;
  },
};
