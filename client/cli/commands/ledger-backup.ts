// `loomos ledger backup`: all events in a file of one's own, checked on the way.

import type { LedgerRecord } from '../../sdk/client.ts';
import { verifyLedger } from '../../sdk/verify-ledger.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { checkFree, forceOption, writeNamed } from '../out-file.ts';

export const ledgerBackup: Command = {
  name: 'ledger backup',
  summary: 'all events in a file, one JSON line each, checked against the root',
  details: `
\`loomos ledger verify --file FILE\` compares a coordinator with it: a ledger only grows, so a
coordinator that changed or lost what a backup has is found out. Exits 1, and writes nothing, when the events do not
give the root.`,
  options: {
    ...coordinatorOptions,
    out: { value: 'FILE', summary: 'where to write', default: 'ledger.jsonl' },
    ...forceOption,
  },
  run: async (call) => {
    const [client, file] = [clientOf(call), textOption(call, 'out')!];
    checkFree(call, file, 'out');
    const lines: string[] = [];
    const verdict = await verifyLedger({
      ledgerRoot: () => client.ledgerRoot(),
      async *allLedgerEvents(): AsyncGenerator<LedgerRecord> {
        for await (const event of client.allLedgerEvents()) {
          lines.push(`${JSON.stringify(event)}\n`);
          yield event;
        }
      },
    });
    const { events, root, verified, problem } = verdict;
    if (verified) await writeNamed(file, lines.slice(0, events).join(''), 'out');
    const text = verified ? `${file}: ${events} events, root ${root}` : `NOT VERIFIED: ${problem}`;
    call.terminal.result({ ...verdict, file: verified ? file : null }, text);
    return verified ? exitCode.ok : exitCode.failed;
  },
};
