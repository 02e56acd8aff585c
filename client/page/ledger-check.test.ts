import { expect, test } from 'vitest';
import { leafHash } from '../../shared/ledger/canonical.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { rootOf } from '../../shared/merkle/tree.ts';
import { checkLedger } from './ledger-check.ts';
import type { LedgerCheck } from './state.ts';

const events: LedgerEvent[] = Array.from({ length: 1203 }, (_, seq) => {
  const event = { seq, at: seq, type: 'job.started', version: 1, subject: 'j-1', data: { workers: 1 } } as const;
  return { ...event, leafHash: leafHash(event) };
});
const root = rootOf(events.map((event) => event.leafHash));

/** Serves `log` in pages and states `claimed`, as a coordinator would. */
async function check(log: readonly LedgerEvent[], claimed = { events: log.length, root }): Promise<LedgerCheck[]> {
  const reports: LedgerCheck[] = [];
  await checkLedger(
    {
      ledgerRoot: async () => claimed,
      events: async ({ after, limit }) => log.slice(after + 1, after + 1 + limit),
    },
    (report) => reports.push(report),
  );
  return reports;
}

test('an honest log is verified, page by page', async () => {
  const reports = await check(events);
  expect(reports.map((report) => report.state)).toEqual(['running', 'running', 'running', 'verified']);
  expect(reports.at(-1)).toEqual({ state: 'verified', events: 1203, root });
});

test('a log that grew meanwhile is checked up to the root that was stated', async () => {
  const stated = { events: 700, root: rootOf(events.slice(0, 700).map((event) => event.leafHash)) };
  expect((await check(events, stated)).at(-1)).toEqual({ state: 'verified', ...stated });
});

test('a root that the events do not give is told apart', async () => {
  const lie = 'f'.repeat(64);
  expect((await check(events, { events: 1203, root: lie })).at(-1)).toEqual({
    state: 'different',
    events: 1203,
    root: lie,
    computed: root,
  });
});

test('a forged event and a log cut short both fail with the reason', async () => {
  const forged = events.with(600, { ...events[600]!, at: 1 });
  expect((await check(forged)).at(-1)).toEqual({ state: 'failed', reason: 'event 600 does not hash to its leaf' });
  expect((await check(events.slice(0, 900), { events: 1203, root })).at(-1)).toMatchObject({ state: 'failed' });
});
