import { expect, test } from 'vitest';
import { leafHash } from '../../../shared/ledger/canonical.ts';
import { rootOf } from '../../../shared/merkle/tree.ts';
import { checkLedger } from './ledger-check.ts';
import type { LedgerCheck } from '../state.ts';

const events = Array.from({ length: 200 }, (_, seq) => {
  const event = { seq, at: seq, type: 'job.started', version: 1, subject: 'j-1', data: { workers: 1 } } as const;
  return { ...event, leafHash: leafHash(event) };
});
const root = rootOf(events.map((event) => event.leafHash));

async function check(claimed: { events: number; root: string }): Promise<{ reports: LedgerCheck[]; breaths: number }> {
  const reports: LedgerCheck[] = [];
  let breaths = 0;
  const source = {
    ledgerRoot: async () => claimed,
    async *allLedgerEvents() {
      yield* events;
    },
  };
  await checkLedger(
    source,
    async () => void breaths++,
    (report) => reports.push(report),
  );
  return { reports, breaths };
}

test('an honest ledger is verified, with pauses on the way', async () => {
  const { reports, breaths } = await check({ events: 200, root });
  expect(reports.map((report) => report.state)).toEqual(['running', 'running', 'running', 'verified']);
  expect(reports[1]).toEqual({ state: 'running', checked: 128, events: 200 });
  expect(reports.at(-1)).toEqual({ state: 'verified', events: 200, root });
  expect(breaths).toBe(3);
});

test('a root that the events do not give fails with both roots', async () => {
  const { reports } = await check({ events: 200, root: 'f'.repeat(64) });
  expect(reports.at(-1)).toMatchObject({ state: 'failed', reason: expect.stringContaining(root) });
});
