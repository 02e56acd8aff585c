import { expect, test } from 'vitest';
import type { LedgerEventDraft } from '../ledger/events.ts';
import {
  banAt,
  firstBanMs,
  halfLifeMs,
  mostValid,
  recordAt,
  reputationChange,
  unknownReputation,
} from './reputation.ts';
import type { Reputation } from './reputation.ts';

const workerId = 'w-00000001';
const audited = (isSame: boolean | null): LedgerEventDraft => ({
  type: 'shard.audited',
  version: 1,
  subject: 'job-1',
  data: { round: 1, workerId, auditor: 'w-00000002', cosine: 1, isSame },
});
const banning: LedgerEventDraft = {
  type: 'worker.banned',
  version: 1,
  subject: 'job-1',
  data: { workerId, reason: 'it lied', round: 3 },
};
const pardon: LedgerEventDraft = { type: 'worker.pardoned', version: 1, subject: workerId, data: { jobId: 'job-1' } };

function after(at: number, ...events: LedgerEventDraft[]): Reputation {
  return events.reduce<Reputation>((was, event) => reputationChange(event)?.fold(was, at) ?? was, unknownReputation);
}

test('right audits add up, to a limit; a lone accusation changes nothing', () => {
  const reputation = after(5, audited(true), audited(true), audited(false), audited(null));
  expect(recordAt(reputation, 5)).toEqual({ valid: 2, isPardoned: false });
  expect(recordAt(after(5, ...Array.from({ length: 90 }, () => audited(true))), 5).valid).toBe(mostValid);
});

test('good standing fades: half of it in a half-life, all of it in the end', () => {
  const reputation = after(0, ...Array.from({ length: 16 }, () => audited(true)));
  const later = [0, 0.5, 1, 2, 100].map((halves) => recordAt(reputation, halves * halfLifeMs).valid);
  expect(later).toEqual([16, 12, 8, 4, 0]);
});

test('a ban says where, why, since and until when, and ends; the next one lasts longer', () => {
  const once = after(1000, audited(true), banning);
  const ban = { jobId: 'job-1', reason: 'it lied', since: 1000, until: 1000 + firstBanMs };
  expect(banAt(once, 1001)).toEqual(ban);
  expect(banAt(once, ban.until)).toBeNull();
  expect(recordAt(once, ban.until).valid).toBe(0);
  expect(after(1000, banning, banning).ban!.until).toBe(1000 + 2 * firstBanMs);
});

test('a lifted ban is over at once, until the next', () => {
  const lifted = after(1, banning, pardon);
  expect([banAt(lifted, 2), recordAt(lifted, 2).isPardoned]).toEqual([null, true]);
  const again = after(1, banning, pardon, banning);
  expect([banAt(again, 2)?.until, recordAt(again, 2).isPardoned]).toEqual([1 + 2 * firstBanMs, false]);
});
