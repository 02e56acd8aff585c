import { expect, test } from 'vitest';
import { ledgerEventDraft } from '../../ledger/events.ts';
import { maxListed } from '../limits.ts';
import { hashOf } from '../testing/stage.ts';
import { inParts } from './credited.ts';

const hash = hashOf('x');

function closedWith(accepted: number, late: number): Parameters<typeof inParts>[0] {
  return {
    round: 7,
    accepted: Array.from({ length: accepted }, (_, i) => ({ workerId: `w-${i}`, hash, tokens: 1000, bytes: 1e6 })),
    late: Array.from({ length: late }, (_, i) => `w-late-${i}`),
    trainLoss: 3,
    validationLoss: null,
  };
}

test('a round that fits into one event is one', () => {
  const closed = closedWith(maxListed, maxListed);
  expect(inParts(closed)).toEqual({ before: [], closed });
});

test.each([
  [20_000, 0],
  [19_500, 500],
  [300, 2_700],
  [maxListed + 1, 0],
])('%i contributions and %i that were late: every one is in one part, none of which is long', (accepted, late) => {
  const whole = closedWith(accepted, late);
  const { before, closed } = inParts(whole);
  const parts = [...before, closed];
  expect(parts.flatMap((part) => part.accepted)).toEqual(whole.accepted);
  expect(parts.flatMap((part) => part.late)).toEqual(whole.late);
  expect(closed.credited).toEqual({
    events: before.length,
    accepted: accepted - closed.accepted.length,
    late: late - closed.late.length,
  });
  const drafts = [
    ...before.map((data) => ({ type: 'round.credited', version: 1, subject: 'j', data })),
    { type: 'round.closed', version: 1, subject: 'j', data: closed },
  ];
  for (const draft of drafts) {
    expect(ledgerEventDraft.safeParse(draft).error).toBeUndefined();
    expect(JSON.stringify(draft).length).toBeLessThan(250_000);
  }
});
