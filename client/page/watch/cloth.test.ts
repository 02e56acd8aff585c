import { expect, test } from 'vitest';
import type { LedgerEvent } from '../../../shared/ledger/events.ts';
import { maxClothRounds, weave } from './cloth.ts';

const stored = { version: 1 as const, subject: 'job-1', seq: 0, at: 0, leafHash: '0'.repeat(64) };

function closed(round: number, accepted: string[], late: string[] = []): LedgerEvent {
  const parts = accepted.map((workerId) => ({ workerId, hash: 'a'.repeat(64), tokens: 10, bytes: 20 }));
  return {
    ...stored,
    type: 'round.closed',
    data: { round, accepted: parts, late, trainLoss: 3, validationLoss: null },
  };
}

test('every closed round adds one row of workers', () => {
  const first = weave([], [closed(0, ['w-a', 'w-b'])]);
  expect(weave(first, [closed(1, ['w-b'], ['w-a'])])).toEqual([
    { round: 0, accepted: ['w-a', 'w-b'], late: [] },
    { round: 1, accepted: ['w-b'], late: ['w-a'] },
  ]);
});

test('a round that is told in parts is one row, also where pages of events end between them', () => {
  const { data } = closed(1, ['w-b'], ['w-y']) as Extract<LedgerEvent, { type: 'round.closed' }>;
  const { accepted } = (closed(1, ['w-a']) as Extract<LedgerEvent, { type: 'round.closed' }>).data;
  const part: LedgerEvent = { ...stored, type: 'round.credited', data: { round: 1, accepted, late: ['w-x'] } };
  const end: LedgerEvent = { ...stored, type: 'round.closed', data };
  const whole = { round: 1, accepted: ['w-a', 'w-b'], late: ['w-x', 'w-y'] };
  expect(weave([], [closed(0, ['w-a']), part, end]).at(-1)).toEqual(whole);
  expect(weave(weave([], [part]), [end])).toEqual([whole]);
  expect(weave(weave([], [part, end]), [part, end])).toEqual([whole]); // done again, or told again
});

test('a rewound job loses the rounds that are done again', () => {
  const rewound: LedgerEvent = {
    ...stored,
    type: 'round.rewound',
    data: { from: 3, to: 1, reason: 'nobody held the state' },
  };
  const woven = weave([], [closed(0, ['w-a']), closed(1, ['w-a']), closed(2, ['w-a']), rewound, closed(1, ['w-b'])]);
  expect(woven.map((row) => [row.round, row.accepted[0]])).toEqual([
    [0, 'w-a'],
    [1, 'w-b'],
  ]);
});

test('keeps only the newest rounds', () => {
  const events = Array.from({ length: maxClothRounds + 5 }, (_, round) => closed(round, ['w-a']));
  const woven = weave([], events);
  expect(woven).toHaveLength(maxClothRounds);
  expect(woven[0]!.round).toBe(5);
});
