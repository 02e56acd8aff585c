// Whole jobs whose fragments overlap: the real room, workers that train for the next fragment while one is exchanged.

import { expect, test } from 'vitest';
import { calmScenario } from './scenario.ts';
import { completedShare, patienceMs, scenarioOf, seedsFor } from './schedules.ts';
import { simulate } from './simulate.ts';

const seeds = seedsFor(process.env, 100);

test.each([1, 2, 4, 12])('%i workers train for the next round beside the open one, and all of it counts', (workers) => {
  const { state, ledger } = simulate(calmScenario(workers, { overlap: true }));
  expect(state).toMatchObject({ phase: 'completed', tokens: workers * 20_000, refused: {}, ahead: {} });
  const accepted = ledger.flatMap((event) => (event.type === 'round.closed' ? event.data.accepted : []));
  expect(accepted.every(({ staleness }) => staleness === undefined)).toBe(true);
});

test('where messages take a while, that saves their time', () => {
  const [inTurn, beside] = [false, true].map((overlap) => simulate(calmScenario(4, { overlap }, 500)).virtualMs);
  expect(beside!).toBeLessThan(0.8 * inTurn!);
});

test(
  'whatever fails, no accepted work is lost or counted twice, and every job ends',
  () => {
    const scenarios = seeds.map((seed) => scenarioOf(seed, { overlap: true }));
    expect(completedShare(scenarios)).toBeGreaterThan(0.9);
  },
  patienceMs(seeds),
);
