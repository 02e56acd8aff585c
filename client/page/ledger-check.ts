// Recomputes the ledger's Merkle root in this tab, from the events themselves, and compares it with the root that the
// coordinator states. Works in pages, and lets the browser breathe between them.

import { audit, auditedRoot, emptyAudit } from '../../shared/ledger/audit.ts';
import { describeError } from '../../shared/errors.ts';
import type { Coordinator } from './coordinator.ts';
import type { LedgerCheck } from './state.ts';

const pageEvents = 500;

/** Tells `report` how far it is, then the outcome. Never rejects. */
export async function checkLedger(
  coordinator: Pick<Coordinator, 'ledgerRoot' | 'events'>,
  report: (check: LedgerCheck) => void,
): Promise<void> {
  try {
    report(await recompute(coordinator, report));
  } catch (error) {
    report({ state: 'failed', reason: describeError(error) });
  }
}

async function recompute(
  coordinator: Pick<Coordinator, 'ledgerRoot' | 'events'>,
  report: (check: LedgerCheck) => void,
): Promise<LedgerCheck> {
  const { events, root } = await coordinator.ledgerRoot();
  let audited = emptyAudit;
  while (audited.frontier.size < events && audited.fault === null) {
    const checked = audited.frontier.size;
    report({ state: 'running', checked, events });
    const page = await coordinator.events({ after: checked - 1, limit: Math.min(pageEvents, events - checked) });
    if (page.length === 0)
      return { state: 'failed', reason: `the coordinator serves only ${checked} of ${events} events` };
    audited = audit(audited, page);
  }
  if (audited.fault !== null) return { state: 'failed', reason: audited.fault };
  const computed = auditedRoot(audited);
  return computed === root ? { state: 'verified', events, root } : { state: 'different', events, root, computed };
}
