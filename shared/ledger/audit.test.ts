import { expect, test } from 'vitest';
import { rootOf } from '../merkle/tree.ts';
import { audit, auditedRoot, emptyAudit } from './audit.ts';
import { leafHash } from './canonical.ts';
import type { LedgerEvent } from './events.ts';

function eventAt(seq: number): LedgerEvent {
  const event = {
    seq,
    at: 1000 + seq,
    type: 'job.started',
    version: 1,
    subject: 'j-1',
    data: { workers: seq },
  } as const;
  return { ...event, leafHash: leafHash(event) };
}

const events = Array.from({ length: 7 }, (_, seq) => eventAt(seq));

test('pages of events give the root of the whole tree', () => {
  const audited = audit(audit(emptyAudit, events.slice(0, 3)), events.slice(3));
  expect(audited.fault).toBeNull();
  expect(audited.frontier.size).toBe(7);
  expect(auditedRoot(audited)).toBe(rootOf(events.map((event) => event.leafHash)));
});

test('a changed event is found, and nothing after it counts', () => {
  const forged = events.with(4, { ...events[4]!, at: 1 });
  const audited = audit(emptyAudit, forged);
  expect(audited.fault).toBe('event 4 does not hash to its leaf');
  expect(audit(audited, events).frontier.size).toBe(4);
});

test('a missing event is found', () => {
  expect(audit(emptyAudit, events.toSpliced(2, 1)).fault).toBe('event 2 is missing');
});
