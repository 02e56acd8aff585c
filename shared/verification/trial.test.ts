import { expect, test } from 'vitest';
import { callJury, juryCost, leadThatSettles, verdictOf } from './trial.ts';
import type { Order, Trial } from './trial.ts';

const ids = Array.from({ length: 20 }, (_, i) => `w${i}`);
const shard = { round: 3, workerId: 'w0', hash: 'h', slot: 0, seed: 1, steps: 1, learningRate: 1 };
const bench = { order: ids, size: ids.length };

/** w1 accuses w0; the next ones say what is given. */
function disputed(...said: boolean[]): Trial {
  const votes = Object.fromEntries([['w0', true], ['w1', false], ...said.map((vote, i) => [`w${i + 2}`, vote])]);
  return { shard, votes, voters: ids.length, parties: ['w0', 'w1'], jury: ids.slice(2) };
}

const times = (count: number, vote: boolean): boolean[] => Array.from({ length: count }, () => vote);

function asked(trial: Trial, { hasLied = false, affordable = 99 } = {}): string[] {
  const orders: Order[] = [];
  callJury(trial, { bench, orders, hasLied, affordable });
  return orders.map(({ checker }) => checker);
}

test('jurors settle it when so many more say the one than the other, whoever they are', () => {
  expect(asked(disputed())).toEqual(ids.slice(2, 2 + leadThatSettles));
  expect(verdictOf(disputed(...times(leadThatSettles - 1, false)), false, true)).toBeNull();
  const guilty = { verdict: false, outvoted: ['w0'] };
  expect(verdictOf(disputed(...times(leadThatSettles, false)), false, true)).toEqual(guilty);
  expect(verdictOf(disputed(true, ...times(leadThatSettles, false)), false, true)).toBeNull();
  const later = disputed(true, ...times(leadThatSettles + 1, false));
  expect(verdictOf(later, false, true)).toEqual({ verdict: false, outvoted: ['w0', 'w2'] });
  expect(verdictOf(disputed(...times(leadThatSettles, true)), false, true)).toEqual({
    verdict: true,
    outvoted: ['w1'],
  });
  expect(juryCost(bench)).toBe(leadThatSettles);
});

test('one juror is enough against a worker that has lied, and none without one', () => {
  expect(asked(disputed(), { hasLied: true })).toEqual(['w2']);
  expect(verdictOf(disputed(), true, true)).toBeNull();
  expect(verdictOf(disputed(false), true, true)).toEqual({ verdict: false, outvoted: ['w0'] });
  expect(verdictOf(disputed(true), true, true)).toBeNull();
});

test('one that has lied before is not saved by a juror: the next one decides', () => {
  expect(verdictOf(disputed(true, false), true, true)).toBeNull();
  expect(asked(disputed(true, false), { hasLied: true, affordable: 0 })).toEqual(['w4']);
  expect(verdictOf(disputed(true, false, false), true, true)).toEqual({ verdict: false, outvoted: ['w0', 'w2'] });
});

test('a jury is heard out: what the last ones say is weighed as well, and who never answers does not hold it up', () => {
  const trial = disputed(...times(leadThatSettles, true));
  const waiting = { ...trial, votes: { ...trial.votes, w19: null } };
  expect(verdictOf(waiting, false, false)).toBeNull();
  expect(verdictOf(waiting, false, true)).toMatchObject({ verdict: true });
});

test('a jury that budget cuts short is completed later; one that differs is widened to everybody, on credit', () => {
  expect(asked(disputed(), { affordable: 4 })).toEqual(ids.slice(2, 6));
  expect(asked(disputed(), { affordable: -1 })).toEqual([]);
  expect(asked(disputed(...times(4, false)))).toEqual(ids.slice(6, 8));
  expect(asked(disputed(false, true))).toEqual(ids.slice(4));
  expect(asked(disputed(false, true), { affordable: 0 })).toEqual(ids.slice(4, 16));
  expect(asked(disputed(false, true), { affordable: -12 })).toEqual([]);
});

test('where all have been heard more than half decide', () => {
  const said = [...times(10, false), ...times(8, true)];
  expect(verdictOf(disputed(...said), false, true)).toMatchObject({ verdict: false });
  expect(verdictOf(disputed(...times(9, false), ...times(9, true)), false, true)).toBeNull();
});
