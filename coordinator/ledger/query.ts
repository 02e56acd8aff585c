// Reading the ledger, oldest first, in pages.

import { and, asc, eq, gt } from 'drizzle-orm';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { LedgerQuery } from '../../shared/api/schemas.ts';
import type { Database } from '../db/database.ts';
import { ledgerEvents } from '../db/schema.ts';

export async function queryEvents(db: Database, query: LedgerQuery): Promise<LedgerEvent[]> {
  const rows = await db
    .select()
    .from(ledgerEvents)
    .where(
      and(
        gt(ledgerEvents.seq, query.after),
        query.subject === undefined ? undefined : eq(ledgerEvents.subject, query.subject),
        query.type === undefined ? undefined : eq(ledgerEvents.type, query.type),
      ),
    )
    .orderBy(asc(ledgerEvents.seq))
    .limit(query.limit);
  return rows.map(({ key: _, data, ...event }) => ({ ...event, data: JSON.parse(data) }) as LedgerEvent);
}
