import { expect, test } from 'vitest';
import type { LedgerEventDraft } from '../../../shared/ledger/events.ts';
import { logText, refusalText } from './log-lines.ts';

test.each<[LedgerEventDraft['type'], object, string, string]>([
  [
    'job.finished',
    { state: 'failed', reason: 'no disk', rounds: 1, tokens: 12_345 },
    'error',
    'The job failed after 1 round and 12,345 tokens: no disk.',
  ],
  [
    'round.closed',
    { round: 3, accepted: [{}], late: ['w-x'], trainLoss: 2, validationLoss: null },
    'info',
    'Round 3 closed with 1 contribution, without w-x, training loss 2.0000.',
  ],
  [
    'round.closed',
    {
      round: 3,
      accepted: Array.from({ length: 7 }, () => ({})),
      late: Array.from({ length: 22 }, () => 'w'),
      credited: { events: 1, accepted: 1000, late: 3 },
      trainLoss: null,
      validationLoss: null,
    },
    'info',
    `Round 3 closed with 1007 contributions, without ${'w, '.repeat(20)}5 others.`,
  ],
  [
    'round.agreed',
    { round: 3, stateHash: 'abcdefabcdefab', reports: 3, dissent: 1 },
    'info',
    'Round 3: 3 workers agreed on state abcdefabcdef, 1 did not.',
  ],
  ['worker.left', { workerId: 'w-x', reason: 'closed', round: 2 }, 'warn', 'w-x left at round 2: closed.'],
])('%s reads like a sentence', (type, data, level, text) => {
  expect(logText({ type, version: 1, subject: 'j', data } as LedgerEventDraft)).toEqual({ level, text });
});

test('a part of a round that the end of it speaks of is no line of its own', () => {
  const data = { round: 3, accepted: [], late: ['w-x'] };
  expect(logText({ type: 'round.credited', version: 1, subject: 'j', data })).toBeNull();
});

test('refusals are logged ever more seldom', () => {
  const said = Array.from({ length: 100 }, (_, i) => i + 1).filter(
    (count) => refusalText('invalid_message', count - 1, count) !== null,
  );
  expect(said).toEqual([1, 2, 4, 8, 16, 32, 64]);
  expect(refusalText('conflict', 3, 9)?.text).toBe('9 messages refused so far with conflict.'); // several at once
});
