// `loomos ledger verify`: recomputes the Merkle root from all events, without trusting the coordinator.

import { readFile } from 'node:fs/promises';
import { LoomError } from '../../../shared/errors.ts';
import type { LedgerRecord } from '../../sdk/client.ts';
import { missingFrom, verifyLedger } from '../../sdk/verify-ledger.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const ledgerVerify: Command = {
  name: 'ledger verify',
  summary: 'recompute the Merkle root from all events and compare',
  details: `
With --file it is compared with what \`loomos ledger backup\` wrote, too: whoever keeps a backup sees when the coordinator
begins its ledger anew. Exits 1 when an event was changed or is missing.`,
  options: {
    ...coordinatorOptions,
    file: { value: 'FILE', summary: 'a backup, whose events must all be there' },
  },
  run: async (call) => {
    const [client, file] = [clientOf(call), textOption(call, 'file')];
    const kept = file === undefined ? [] : await readBackup(file);
    const found = await verifyLedger(client);
    const problem = found.problem ?? (await missingFrom(client, kept));
    const verdict = { ...found, verified: problem === null, problem, ...(file !== undefined && { kept: kept.length }) };
    const { events, root } = verdict;
    const also = file === undefined ? '' : `, with all ${kept.length} of ${file}`;
    call.terminal.result(
      verdict,
      problem === null ? `verified: ${events} events, root ${root}${also}` : `NOT VERIFIED: ${problem}`,
    );
    return problem === null ? exitCode.ok : exitCode.failed;
  },
};

async function readBackup(file: string): Promise<LedgerRecord[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as LedgerRecord); // hashed before anything is believed
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : code === undefined ? 'is no backup' : `cannot be read (${code})`;
    throw new LoomError('invalid_request', what, { where: file, allowed: 'what `loomos ledger backup` wrote', cause });
  }
}
