// Checks a ledger without trusting the coordinator: every leaf hash and the Merkle root are computed again from the events.

import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { leafHash } from '../../shared/ledger/canonical.ts';
import { rootOf } from '../../shared/merkle/tree.ts';
import type { LedgerRecord, LedgerRoot } from './client.ts';

export interface LedgerVerdict {
  events: number;
  root: string; // recomputed
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
  const leaves: string[] = [];
  let problem: string | null = null;
  for await (const event of source.allLedgerEvents()) {
    if (leaves.length === announced.events) break; // written after the root was read
    problem ??= faultOf(event, leaves.length);
    leaves.push(leafHash(event as unknown as LedgerEvent));
  }
  const root = rootOf(leaves);
  problem ??= leaves.length < announced.events ? `only ${leaves.length} of ${announced.events} events exist` : null;
  problem ??=
    root === announced.root ? null : `the events have the root ${root}, the coordinator says ${announced.root}`;
  return { events: leaves.length, root, verified: problem === null, problem };
}

function faultOf(event: LedgerRecord, index: number): string | null {
  if (event.seq !== index) return `event ${index} is missing; the next one is ${event.seq}`;
  const computed = leafHash(event as unknown as LedgerEvent);
  return computed === event.leafHash ? null : `event ${index} (${event.type}) was changed: its hash is ${computed}`;
}
