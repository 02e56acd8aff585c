import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { unlike } from './compare.ts';
import {
  ban,
  convene,
  gateRuled,
  introduced,
  isGood,
  newCourt,
  sentencesBetween,
  standingOf,
  stateHistory,
  testified,
} from './court.ts';
import type { Court } from './court.ts';
import { isUrgent, unknownStanding, unresolved } from './standing.ts';
import type { Order, Shard } from './trial.ts';

const alike = { cosine: 1, error: 0 };
/** Enough for audits and their juries. */
const saved: Court = { ...newCourt, credit: 9 };
const idsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${i}`);

function shardsOf(ids: readonly string[], round: number): Shard[] {
  return ids.map((workerId, slot) => {
    const work = { slot, seed: slot, steps: 1, learningRate: 1 };
    return { round, workerId, hash: `${workerId} ${round}`, ...work };
  });
}

/** One round of audits; `says` is what a checker says of a shard. */
function round(
  court: Court,
  number: number,
  ids: readonly string[],
  says: (order: Order) => boolean,
  share = 0.1,
): Court {
  const present = ids.filter((id) => standingOf(court, id).state !== 'banned');
  const checkers = present.filter((id) => isGood(court, id));
  const means = { shards: shardsOf(present, number - 1), checkers, share, random: createRandom(number) };
  const { court: convened, orders } = convene(court, number, means);
  return orders.reduce(
    (next, order) => testified(next, order.checker, order.shard.hash, says(order) ? alike : unlike),
    convened,
  );
}

function play(ids: readonly string[], rounds: number, says: (order: Order) => boolean, share?: number): Court {
  let court = newCourt;
  for (let number = 1; number <= rounds; number++) court = round(court, number, ids, says, share);
  return court;
}

test('among honest workers nobody is accused, and audits take their share of the work', () => {
  const court = play(idsOf(25), 100, () => true);
  expect(sentencesBetween(newCourt, court)).toEqual([]);
  expect(court.computedAgain / court.computed).toBeLessThan(0.11);
  expect(Object.keys(court.standings)).toHaveLength(25);
});

test('trusted workers are audited ever less', () => {
  const [early, late] = [play(idsOf(10), 100, () => true, 0.5), play(idsOf(10), 300, () => true, 0.5)];
  const perRound = (late.computedAgain - early.computedAgain) / 200;
  expect(perRound).toBeLessThan(0.5 * (early.computedAgain / 100));
});

test('a liar is quarantined by one, convicted by most, and banned', () => {
  const court = play(idsOf(7), 40, ({ shard }) => shard.workerId !== 'w3');
  expect(standingOf(court, 'w3')).toMatchObject({ state: 'banned', reason: expect.stringMatching(/most workers/) });
  expect(sentencesBetween(newCourt, court).map(({ workerId }) => workerId)).toEqual(['w3']);
});

test('audits and juries never take more than their share, not even while 10 quiet liars of 25 are banned', () => {
  let court = newCourt;
  for (let number = 1; number <= 60; number++) {
    court = round(court, number, idsOf(25), ({ shard }) => Number(shard.workerId.slice(1)) >= 10);
    expect(court.computedAgain).toBeLessThanOrEqual(0.1 * court.computed);
  }
  const bannedIds = sentencesBetween(newCourt, court).map(({ workerId }) => workerId);
  expect(bannedIds.toSorted()).toEqual(idsOf(10).toSorted());
});

test('10 of 25 that lie for each other and against all others are banned, and no one else', () => {
  const isLiar = (id: string): boolean => Number(id.slice(1)) < 10;
  const says = ({ checker, shard }: Order): boolean =>
    isLiar(checker) ? isLiar(shard.workerId) : !isLiar(shard.workerId);
  const court = play(idsOf(25), 150, says);
  const bannedIds = sentencesBetween(newCourt, court).filter(({ state }) => state === 'banned');
  expect(bannedIds.map(({ workerId }) => workerId).toSorted()).toEqual(idsOf(25).filter(isLiar).toSorted());
});

test('of two nobody can tell who is right; of three the third settles it', () => {
  expect(
    sentencesBetween(
      newCourt,
      play(idsOf(2), 30, () => false, 0.5),
    ),
  ).toEqual([]);
  const court = play(idsOf(3), 30, ({ shard }) => shard.workerId !== 'w1', 0.5);
  expect(standingOf(court, 'w1').state).toBe('banned');
  const slander = play(idsOf(3), 30, ({ checker }) => checker !== 'w1', 0.5);
  expect(standingOf(slander, 'w1').strikes).toBe(1); // it may work again, and is asked about nobody's work any more
  expect([standingOf(slander, 'w0').state, standingOf(slander, 'w2').state]).toEqual(['good', 'good']);
});

test('an answer that nobody asked for, from the accused, or twice changes nothing', () => {
  const means = { shards: shardsOf(idsOf(4), 0), checkers: idsOf(4), share: 0.5, random: createRandom(1) };
  const { court, orders } = convene(saved, 1, means);
  const { checker, shard } = orders[0]!;
  expect(testified(court, shard.workerId, shard.hash, unlike)).toBe(court);
  expect(testified(court, checker, 'another hash', unlike)).toBe(court);
  const once = testified(court, checker, shard.hash, alike);
  expect(testified(once, checker, shard.hash, unlike)).toBe(once);
});

test('whoever cannot compute it again leaves the subject as it was, and old trials end', () => {
  const means = { shards: shardsOf(idsOf(4), 0), checkers: idsOf(4), share: 0.5, random: createRandom(1) };
  const { court, orders } = convene(saved, 1, means);
  const silent = orders.reduce((next, { checker, shard }) => testified(next, checker, shard.hash, null), court);
  expect(orders.length).toBeGreaterThan(0);
  expect(silent.trials).toEqual([]);
  expect(Object.values(silent.standings).every(({ valid, state }) => valid === 0 && state === 'good')).toBe(true);
  const later = convene(court, stateHistory, { ...means, shards: [], share: 0 });
  expect(later.court.trials).toEqual([]);
});

test('the gate: broken payloads ban at once, false words quarantine, then ban', () => {
  const ruling = { verdicts: [], liars: ['w1'], broken: ['w2'] };
  const once = gateRuled(newCourt, ruling);
  expect([standingOf(once, 'w1').state, standingOf(once, 'w2').state]).toEqual(['quarantined', 'banned']);
  expect(standingOf(gateRuled(once, ruling), 'w1').state).toBe('banned');
});

test('whoever is caught with a false word is not believed in what it said before: those it vouched for are audited next', () => {
  const means = { shards: shardsOf(idsOf(4), 0), checkers: idsOf(4), share: 0.3, random: createRandom(1) };
  const { court, orders } = convene(saved, 1, means);
  const { checker, shard } = orders[0]!;
  const vouched = testified(court, checker, shard.hash, alike);
  expect(standingOf(vouched, shard.workerId)).toMatchObject({ valid: 1, vouchers: [checker] });
  const caught = gateRuled(vouched, { verdicts: [], liars: [checker], broken: [] });
  expect(standingOf(caught, checker).state).toBe('quarantined');
  expect(standingOf(caught, shard.workerId)).toMatchObject({ valid: 0, vouchers: [] });
  expect(isUrgent(standingOf(caught, shard.workerId))).toBe(true);
});

test('a worker in doubt is audited as soon as there is credit for it and one juror, others when there is for a jury', () => {
  const shards = shardsOf(idsOf(25), 0);
  const means = { shards, checkers: idsOf(25), share: 0, random: createRandom(1) };
  const poor: Court = { ...newCourt, credit: 2 };
  expect(convene(poor, 1, means).orders).toEqual([]);
  const known = Object.fromEntries(idsOf(25).map((id) => [id, { ...unknownStanding, valid: 1, lookedAt: 0 }]));
  const standings = { ...known, w3: { ...unresolved(unknownStanding), lookedAt: 0 } };
  expect(convene({ ...poor, standings }, 1, means).orders).toHaveLength(1);
});

test('while nobody is known four audit a shard together: it is right when all found so, and one alone disputes it', () => {
  const means = { shards: shardsOf(idsOf(12), 0), checkers: idsOf(12), share: 0.01, random: createRandom(1) };
  const { court, orders } = convene(saved, 1, means);
  const [{ shard, checker }, ...others] = orders as [Order, ...Order[]];
  expect(orders.map((order) => order.shard.hash)).toEqual(Array.from({ length: 4 }, () => shard.hash));
  const heard = (from: Court, said: boolean | null): Court =>
    others.reduce(
      (next, order) => testified(next, order.checker, shard.hash, alike),
      testified(from, checker, shard.hash, said === null ? null : said ? alike : unlike),
    );
  expect(standingOf(heard(court, true), shard.workerId)).toMatchObject({
    valid: 1,
    vouchers: orders.map((order) => order.checker),
  });
  expect(standingOf(heard(court, null), shard.workerId).vouchers).toHaveLength(3);
  const disputed = heard(court, false);
  expect(standingOf(disputed, shard.workerId).state).toBe('quarantined');
  expect(Object.values(disputed.trials[0]!.votes).filter((vote) => vote === true)).toHaveLength(4); // three and the accused
});

test('when an accuser is banned its accusation falls', () => {
  const means = { shards: shardsOf(idsOf(4), 0), checkers: idsOf(4), share: 0.3, random: createRandom(1) };
  const { court, orders } = convene(saved, 1, means);
  const { checker, shard } = orders[0]!;
  const accused = testified(court, checker, shard.hash, unlike);
  expect(standingOf(accused, shard.workerId).state).toBe('quarantined');
  expect(standingOf(ban(accused, checker, 'it lied'), shard.workerId).state).toBe('good');
});

test('a worker brings along what other jobs found, once; a lifted ban ends, another stays', () => {
  const known = introduced(newCourt, 'w1', { valid: 12, isPardoned: false });
  expect(standingOf(known, 'w1')).toMatchObject({ valid: 12, audits: 12, state: 'good' });
  expect(introduced(known, 'w1', { valid: 15, isPardoned: false })).toBe(known);
  expect(introduced(newCourt, 'w2', { valid: 0, isPardoned: true })).toBe(newCourt);
  const gone = ban(known, 'w1', 'it lied');
  expect(introduced(gone, 'w1', { valid: 3, isPardoned: false })).toBe(gone);
  expect(standingOf(introduced(gone, 'w1', { valid: 0, isPardoned: true }), 'w1')).toMatchObject({
    state: 'good',
    valid: 0,
  });
});
