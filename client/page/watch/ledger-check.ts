// The ledger check as the page shows it: the SDK's own, run in this tab, with its progress.

import { describeError } from '../../../shared/errors.ts';
import { verifyLedger, type LedgerSource } from '../../sdk/verify-ledger.ts';
import type { LedgerRecord } from '../../sdk/client.ts';
import type { LedgerCheck } from '../state.ts';

/** Events hashed before the browser gets a turn: a millisecond or two. */
const breathEvents = 64;

/** Tells `report` how far it is, then the outcome. Never rejects. */
export async function checkLedger(
  source: LedgerSource,
  breathe: () => Promise<void>,
  report: (check: LedgerCheck) => void,
): Promise<void> {
  try {
    const { events, root, verified, problem } = await verifyLedger(paced(source, breathe, report));
    report(verified ? { state: 'verified', events, root } : { state: 'failed', reason: problem ?? 'the roots differ' });
  } catch (error) {
    report({ state: 'failed', reason: describeError(error) });
  }
}

/** The same ledger, handed over slowly enough that the page stays smooth. */
function paced(source: LedgerSource, breathe: () => Promise<void>, report: (check: LedgerCheck) => void): LedgerSource {
  let events = 0;
  return {
    async ledgerRoot() {
      const root = await source.ledgerRoot();
      events = root.events;
      return root;
    },
    async *allLedgerEvents(): AsyncGenerator<LedgerRecord> {
      let checked = 0;
      for await (const event of source.allLedgerEvents()) {
        yield event;
        checked++;
        if (checked % breathEvents !== 0) continue;
        report({ state: 'running', checked: Math.min(checked, events), events });
        await breathe();
      }
    },
  };
}
