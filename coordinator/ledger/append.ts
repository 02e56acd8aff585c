// LoomDB: the append-only event log in D1. An append gives each event the next sequence number, hashes it into the Merkle
// frontier and writes events and head in one transaction. Must run in one place at a time (see writer.ts); should two
// ever run, the sequence's primary key lets only one of them through.

import { eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import { ledgerEventDraft } from '../../shared/ledger/events.ts';
import type { LedgerEvent, LedgerEventDraft } from '../../shared/ledger/events.ts';
import { canonicalJson, leafHash } from '../../shared/ledger/canonical.ts';
import { append, emptyFrontier, frontierRoot } from '../../shared/merkle/frontier.ts';
import type { Frontier } from '../../shared/merkle/frontier.ts';
import type { Database } from '../db/database.ts';
import { ledgerEvents, ledgerHead } from '../db/schema.ts';
import { foldReputations, storeReputations } from '../market/reputation.ts';

/** `key` makes an append idempotent: an event whose key is already in the log is not written again. */
export interface LedgerEntry {
  key: string;
  event: LedgerEventDraft;
}

const headId = 1;
/** UTF-16 units of JSON; inside the rows' JSON each quote takes two. */
const maxBatchLength = 800_000;

/** The fields of one JSON row, in the order of the table's columns. */
const columns = sql.join(
  Object.keys(getTableColumns(ledgerEvents)).map((name) => sql.raw(`value->>'${name}'`)),
  sql`, `,
);

export async function appendEntries(db: Database, entries: readonly LedgerEntry[], now: number): Promise<void> {
  const fresh = await withoutKnown(db, entries);
  if (fresh.length === 0) return;
  const written = chain(await readFrontier(db), fresh, now);
  const rows = JSON.stringify(written.rows);
  const head = { id: headId, frontier: written.frontier, root: frontierRoot(written.frontier) };
  const reputations = await foldReputations(
    db,
    fresh.map(({ event }) => event),
    now,
  );
  await db.batch([
    db.insert(ledgerEvents).select(sql`select ${columns} from json_each(${rows})`),
    db.insert(ledgerHead).values(head).onConflictDoUpdate({ target: ledgerHead.id, set: head }),
    ...(reputations.length > 0 ? [storeReputations(db, reputations)] : []),
  ]);
}

/** Entries in the same order, so many together as one statement takes: its rows are one parameter of at most 2 MB. */
export function inBatches(entries: readonly LedgerEntry[]): LedgerEntry[][] {
  const batches: LedgerEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    room -= JSON.stringify(entry).length;
    if (room < 0 || batches.length === 0) {
      batches.push([]);
      room = maxBatchLength - JSON.stringify(entry).length;
    }
    batches.at(-1)!.push(entry);
  }
  return batches;
}

/** The log's size and Merkle root. */
export async function readRoot(db: Database): Promise<{ events: number; root: string }> {
  const frontier = await readFrontier(db);
  return { events: frontier.size, root: frontierRoot(frontier) };
}

async function readFrontier(db: Database): Promise<Frontier> {
  const [head] = await db.select().from(ledgerHead).where(eq(ledgerHead.id, headId));
  return head?.frontier ?? emptyFrontier;
}

async function withoutKnown(db: Database, entries: readonly LedgerEntry[]): Promise<LedgerEntry[]> {
  const unique = new Map(entries.map((entry) => [entry.key, entry]));
  const keys = JSON.stringify([...unique.keys()]);
  const known = await db
    .select({ key: ledgerEvents.key })
    .from(ledgerEvents)
    .where(inArray(ledgerEvents.key, sql`(select value from json_each(${keys}))`));
  for (const { key } of known) unique.delete(key);
  return [...unique.values()];
}

interface Row extends Omit<LedgerEvent, 'data'> {
  key: string;
  data: string;
}

/** Continues the log: the rows to insert and the frontier after them. */
function chain(start: Frontier, entries: readonly LedgerEntry[], now: number): { rows: Row[]; frontier: Frontier } {
  const rows: Row[] = [];
  let frontier = start;
  for (const { key, event } of entries) {
    const stamped = { ...ledgerEventDraft.parse(event), seq: frontier.size, at: now };
    const leaf = leafHash(stamped);
    frontier = append(frontier, leaf);
    rows.push({ ...stamped, key, data: canonicalJson(stamped.data), leafHash: leaf } as Row);
  }
  return { rows, frontier };
}
