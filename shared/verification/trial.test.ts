import { expect, test } from 'vitest';
import { callJury, juryCost, verdictOf } from './trial.ts';
import type { Order, Trial, Witness } from './trial.ts';

const ids = Array.from({ length: 12 }, (_, i) => `w${i}`);
const shard = { round: 3, workerId: 'w0', hash: 'h', slot: 0, seed: 1, steps: 1, learningRate: 1 };
const bench = { order: ids, size: ids.length };
const plain = (_: string): Witness => ({ words: 1, hasLied: false });
const believed = (_: string): Witness => ({ words: 2, hasLied: false });

/** w1 accuses w0; the next ones say what is given. */
function disputed(...said: boolean[]): Trial {
  const votes = Object.fromEntries([['w0', true], ['w1', false], ...said.map((vote, i) => [`w${i + 2}`, vote])]);
  return { shard, votes, voters: ids.length, parties: ['w0', 'w1'], jury: ids.slice(2) };
}

function asked(trial: Trial, witnessOf = plain, affordable = 99): string[] {
  const orders: Order[] = [];
  callJury(trial, { bench, orders, witnessOf, affordable });
  return orders.map(({ checker }) => checker);
}

test('six jurors beside the accuser settle it; those who helped to convict a liar before count twice', () => {
  expect(asked(disputed())).toEqual(ids.slice(2, 8));
  expect(verdictOf(disputed(false, false, false, false, false), plain, true)).toBeNull();
  const verdict = { verdict: false, outvoted: ['w0'] };
  expect(verdictOf(disputed(false, false, false, false, false, false), plain, true)).toEqual(verdict);
  expect(asked(disputed(), believed)).toEqual(ids.slice(2, 5));
  expect(verdictOf(disputed(false, false, false), believed, true)).toEqual(verdict);
  expect([juryCost(bench, plain), juryCost(bench, believed)]).toEqual([6, 3]);
});

test('one juror is enough against a worker that has lied, and none without one', () => {
  const witnessOf = (id: string): Witness => ({ words: 1, hasLied: id === 'w0' });
  expect(asked(disputed(), witnessOf)).toEqual(['w2']);
  expect(verdictOf(disputed(), witnessOf, true)).toBeNull();
  expect(verdictOf(disputed(false), witnessOf, true)).toEqual({ verdict: false, outvoted: ['w0'] });
  expect(verdictOf(disputed(true), witnessOf, true)).toBeNull();
});

test('against one that has lied before more words than speak for it are enough, on credit', () => {
  const witnessOf = (id: string): Witness => ({ words: id === 'w2' ? 2 : 1, hasLied: id === 'w0' });
  expect(asked(disputed(true), witnessOf, 0)).toEqual(['w3', 'w4']);
  expect(verdictOf(disputed(true, false), witnessOf, true)).toBeNull();
  expect(verdictOf(disputed(true, false, false), witnessOf, true)).toEqual({ verdict: false, outvoted: ['w0', 'w2'] });
});

test('a jury is heard out: those who answer first do not settle it, and who never answers does not hold it up', () => {
  const trial = disputed(true, true, true, true, true, true);
  const waiting = { ...trial, voters: 20, votes: { ...trial.votes, w9: null } };
  expect(verdictOf(waiting, plain, false)).toBeNull();
  expect(verdictOf(waiting, plain, true)).toMatchObject({ verdict: true });
});

test('a jury that budget cuts short is completed later; one that differs is widened to everybody', () => {
  expect(asked(disputed(), plain, 4)).toEqual(ids.slice(2, 6));
  expect(asked(disputed(), plain, -1)).toEqual([]);
  expect(asked(disputed(false, false, false, false))).toEqual(ids.slice(6, 8));
  expect(asked(disputed(false, true), plain, 0)).toEqual(ids.slice(4));
});
