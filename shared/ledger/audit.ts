// Checking the ledger without trusting who keeps it: events go in, oldest first and page by page, and the Merkle frontier
// that they really give comes out. The page and the command line compare its root with the one the coordinator claims.

import { append, emptyFrontier, frontierRoot, type Frontier } from '../merkle/frontier.ts';
import { leafHash } from './canonical.ts';
import type { LedgerEvent } from './events.ts';

export interface Audit {
  readonly frontier: Frontier;
  readonly fault: string | null; // the first event that is not what it claims to be; nothing after it is looked at
}

export const emptyAudit: Audit = { frontier: emptyFrontier, fault: null };

/**
 * The audit after more events. `events` must be as they were served: a parser that drops a field changes the hash.
 * A gap in the sequence or a leaf hash that does not belong to its event is a fault.
 */
export function audit(before: Audit, events: readonly LedgerEvent[]): Audit {
  let { frontier } = before;
  if (before.fault !== null) return before;
  for (const event of events) {
    if (event.seq !== frontier.size) return { frontier, fault: `event ${frontier.size} is missing` };
    const leaf = leafHash(event);
    if (leaf !== event.leafHash) return { frontier, fault: `event ${event.seq} does not hash to its leaf` };
    frontier = append(frontier, leaf);
  }
  return { frontier, fault: null };
}

/** The root of the events audited so far. */
export function auditedRoot({ frontier }: Audit): string {
  return frontierRoot(frontier);
}
