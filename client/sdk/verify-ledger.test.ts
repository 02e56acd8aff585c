import { expect, test } from 'vitest';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { leafHash } from '../../shared/ledger/canonical.ts';
import { rootOf } from '../../shared/merkle/tree.ts';
import type { LedgerRecord } from './client.ts';
import { verifyLedger } from './verify-ledger.ts';

function eventAt(seq: number): LedgerRecord {
  const event = { type: 'job.started', version: 1, subject: 'job', data: { workers: seq }, seq, at: 1000 + seq };
  return { ...event, leafHash: leafHash(event as unknown as LedgerEvent) };
}

function ledgerOf(events: LedgerRecord[], announced = events) {
  const root = { events: announced.length, root: rootOf(announced.map((event) => event.leafHash)) };
  return {
    ledgerRoot: async () => root,
    async *allLedgerEvents() {
      yield* events;
    },
  };
}

const events = [0, 1, 2, 3, 4].map(eventAt);

test('accepts an untouched ledger, and events that came after the root was read', async () => {
  expect(await verifyLedger(ledgerOf(events))).toMatchObject({ verified: true, events: 5, problem: null });
  expect(await verifyLedger(ledgerOf(events, events.slice(0, 3)))).toMatchObject({ verified: true, events: 3 });
  expect(await verifyLedger(ledgerOf([]))).toMatchObject({ verified: true, events: 0 });
});

test('names the event that was changed', async () => {
  const changed = events.map((event) => (event.seq === 2 ? { ...event, data: { workers: 99 } } : event));
  expect((await verifyLedger(ledgerOf(changed))).problem).toBe('event 2 does not hash to its leaf');
});

test('notices a rewritten event with a fitting leaf hash, because the root differs', async () => {
  const forged = events.map((event) => (event.seq === 2 ? eventAt(2) : event));
  forged[2] = { ...forged[2]!, at: 1 };
  forged[2].leafHash = leafHash(forged[2] as unknown as LedgerEvent);
  expect((await verifyLedger(ledgerOf(forged, events))).problem).toMatch(/^the events have the root/);
});

test('notices missing events', async () => {
  const missing = events.filter((event) => event.seq !== 1);
  expect((await verifyLedger(ledgerOf(missing, events))).problem).toBe('event 1 is missing');
  expect((await verifyLedger(ledgerOf(events.slice(0, 4), events))).problem).toBe('only 4 of 5 events exist');
});
