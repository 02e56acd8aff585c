import { applyD1Migrations } from 'cloudflare:test';
import type { D1Migration } from 'cloudflare:test';
import { env as bindings } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { audit, auditedRoot, emptyAudit } from '../../shared/ledger/audit.ts';
import { ledgerEventDraft } from '../../shared/ledger/events.ts';
import type { LedgerEventDraft } from '../../shared/ledger/events.ts';
import { database } from '../db/database.ts';
import { ledgerEvents } from '../db/schema.ts';
import type { Env } from '../env.ts';
import { appendEntries, inBatches, readRoot } from './append.ts';
import type { LedgerEntry } from './append.ts';
import { queryEvents } from './query.ts';
import { ledger } from './writer.ts';

const env = bindings as unknown as Env & { TEST_MIGRATIONS: D1Migration[] };
const db = database(env.DB);

beforeAll(() => applyD1Migrations(env.DB, env.TEST_MIGRATIONS));

function started(subject: string, workers = 1): LedgerEventDraft {
  return { type: 'job.started', version: 1, subject, data: { workers } };
}

const page = { after: -1, limit: 1000 };

/** Recomputes the log from what the API serves and compares it with the stored head. */
async function expectSound(): Promise<void> {
  const events = await queryEvents(db, page);
  const checked = audit(emptyAudit, events);
  expect(checked.fault).toBeNull();
  expect(await readRoot(db)).toEqual({ events: events.length, root: auditedRoot(checked) });
}

test('many writers at once make one sequence without gaps, and its root is right', async () => {
  const writer = ledger(env);
  const appends = Array.from({ length: 60 }, (_, i) =>
    writer.append([
      { key: `many/${i}/a`, event: started('many', i) },
      { key: `many/${i}/b`, event: started('many', i) },
    ]),
  );
  await Promise.all(appends);
  const events = await queryEvents(db, { ...page, subject: 'many' });
  expect(events).toHaveLength(120);
  await expectSound();
});

test('an entry that comes again, alone or among others, is not written again', async () => {
  const writer = ledger(env);
  const entry = (n: number) => ({ key: `again/${n}`, event: started('again', n) });
  await writer.append([entry(1)]);
  await writer.append([entry(1), entry(2), entry(2)]);
  await Promise.all([writer.append([entry(2)]), writer.append([entry(3)]), writer.append([entry(3)])]);
  const events = await queryEvents(db, { ...page, subject: 'again' });
  expect(events.map(({ data }) => data)).toEqual([{ workers: 1 }, { workers: 2 }, { workers: 3 }]);
  await expectSound();
});

test('a round of 20,000 workers is more than one statement takes, and is written whole', async () => {
  const accepted = Array.from({ length: 1000 }, (_, i) => ({
    workerId: `w-${String(i).padStart(12, '0')}`,
    hash: 'a'.repeat(64),
    tokens: 100_000,
    bytes: 1_000_000,
  }));
  const entries = Array.from({ length: 20 }, (_, round): LedgerEntry => {
    const data = { round, accepted, late: [] };
    return { key: `large/${round}`, event: { type: 'round.credited', version: 1, subject: 'large', data } };
  });
  expect(JSON.stringify(entries).length).toBeGreaterThan(2_500_000);
  await ledger(env).append(entries);
  const events = await queryEvents(db, { ...page, subject: 'large' });
  expect(events.map(({ data }) => (data as { round: number }).round)).toEqual(entries.map((_, round) => round));
  await expectSound();
});

test('entries that fit are written together', () => {
  const entries = Array.from({ length: 500 }, (_, n): LedgerEntry => ({ key: `k/${n}`, event: started('few', n) }));
  expect(inBatches(entries)).toEqual([entries]);
  expect(inBatches([])).toEqual([]);
});

test('two writers that race cannot both have a sequence number', async () => {
  const racing = Array.from({ length: 8 }, (_, i) =>
    appendEntries(db, [{ key: `race/${i}`, event: started('race', i) }], 5),
  );
  const results = await Promise.allSettled(racing);
  const written = await queryEvents(db, { ...page, subject: 'race' });
  expect(written).toHaveLength(results.filter(({ status }) => status === 'fulfilled').length);
  await expectSound();
});

test('what is no event is not written', async () => {
  const before = await readRoot(db);
  const wrong = { type: 'job.started', version: 1, subject: 'x', data: { workers: -1 } } as LedgerEventDraft;
  await expect(appendEntries(db, [{ key: 'wrong', event: wrong }], 5)).rejects.toThrow('workers');
  expect(await readRoot(db)).toEqual(before);
});

test('the database refuses to change or delete what happened', async () => {
  await appendEntries(db, [{ key: 'fixed', event: started('fixed') }], 5);
  const statements = [
    'update ledger_event set at = 6',
    'delete from ledger_event',
    "update ledger_event set data = '{}' where seq = 0",
  ];
  for (const statement of statements)
    await expect(env.DB.prepare(statement).run()).rejects.toThrow('the ledger is append-only');
  await expect(db.delete(ledgerEvents)).rejects.toThrow('delete from');
  await expectSound();
});

test('events are served in pages, by subject and by type, and parse', async () => {
  const all = await queryEvents(db, page);
  const drafts = all.map(({ seq: _, at: __, leafHash: ___, ...draft }) => draft);
  expect(drafts.map((draft) => ledgerEventDraft.parse(draft))).toEqual(drafts);
  const [first, second] = [
    await queryEvents(db, { after: -1, limit: 2 }),
    await queryEvents(db, { after: 1, limit: 2 }),
  ];
  expect([...first, ...second].map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  expect(await queryEvents(db, { ...page, type: 'job.finished' })).toEqual([]);
  expect((await queryEvents(db, { ...page, subject: 'fixed', type: 'job.started' })).map(({ at }) => at)).toEqual([5]);
});
