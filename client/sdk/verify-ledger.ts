// Checks a ledger without trusting the coordinator: every leaf hash and the Merkle root are computed again from the events.

import { audit, auditedRoot, emptyAudit } from '../../shared/ledger/audit.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { LedgerRecord, LedgerRoot } from './client.ts';

export interface LedgerVerdict {
  events: number; // that are what they claim to be
  root: string; // recomputed from them
  verified: boolean;
  problem: string | null; // the first thing that is wrong
}

export interface LedgerSource {
  ledgerRoot(): Promise<LedgerRoot>;
  allLedgerEvents(): AsyncIterable<LedgerRecord>;
}

/**
 * Downloads all events and compares them with the root the coordinator announced before.
 * @example const { verified, problem } = await verifyLedger(new LoomOSClient({ url: 'http://127.0.0.1:8787' }));
 */
export async function verifyLedger(source: LedgerSource): Promise<LedgerVerdict> {
  const announced = await source.ledgerRoot();
  let audited = emptyAudit;
  for await (const event of source.allLedgerEvents()) {
    if (audited.frontier.size === announced.events) break; // written after the root was read
    audited = audit(audited, [event as LedgerEvent]); // hashed as it was served, whatever its type
    if (audited.fault !== null) break;
  }
  const root = auditedRoot(audited);
  const { size } = audited.frontier;
  let problem = audited.fault;
  if (size < announced.events) problem ??= `only ${size} of ${announced.events} events exist`;
  if (root !== announced.root) problem ??= `the events have the root ${root}, the coordinator says ${announced.root}`;
  return { events: size, root, verified: problem === null, problem };
}

/**
 * Whether a coordinator still has, unchanged and in place, what a backup of it has: a ledger only grows.
 * @param kept the backup's events, oldest first
 * @returns what is wrong, or null
 */
export async function missingFrom(source: LedgerSource, kept: readonly LedgerRecord[]): Promise<string | null> {
  const backup = audit(emptyAudit, kept as LedgerEvent[]);
  if (backup.fault !== null) return `the backup is damaged: ${backup.fault}`;
  let found = emptyAudit;
  for await (const event of source.allLedgerEvents()) {
    if (found.frontier.size === kept.length) break;
    found = audit(found, [event as LedgerEvent]);
    if (found.fault !== null) return found.fault;
    if (event.leafHash !== kept[event.seq]!.leafHash) return `event ${event.seq} is not that of the backup`;
  }
  return found.frontier.size < kept.length ? `event ${found.frontier.size} of the backup is missing` : null;
}
