// Whole jobs with bounded staleness: the real room, workers that train on while rounds close, with and without faults.

import { expect, test } from 'vitest';
import type { LedgerEventDraft } from '../../ledger/events.ts';
import { calmScenario } from './scenario.ts';
import { completedShare, patienceMs, scenarioOf, seedsFor } from './schedules.ts';
import { simulate } from './simulate.ts';

const seeds = seedsFor(process.env, 100);

function stalenessesIn(ledger: readonly LedgerEventDraft[]): number[] {
  const accepted = ledger.flatMap((event) => (event.type === 'round.closed' ? event.data.accepted : []));
  return accepted.map(({ staleness }) => staleness ?? 0);
}

test.each([1, 2, 4, 12])('%i workers train on beside the open round, and all of their work counts', (workers) => {
  const { state, ledger } = simulate(calmScenario(workers, { staleness: 2 }));
  expect(state).toMatchObject({ phase: 'completed', tokens: workers * 20_000, refused: {}, ahead: {} });
  const found = stalenessesIn(ledger);
  expect(Math.max(...found)).toBeLessThanOrEqual(2);
  expect(found.filter((rounds) => rounds > 0).length).toBeGreaterThan(workers > 1 ? found.length / 2 : -1); // one alone waits for nobody
});

test('without staleness no contribution is late', () => {
  expect(stalenessesIn(simulate(calmScenario(4)).ledger).every((rounds) => rounds === 0)).toBe(true);
});

test('where messages take a while, training beside the exchange saves that time', () => {
  const [rounds, stale] = [0, 2].map((staleness) => simulate(calmScenario(4, { staleness }, 500)).virtualMs);
  expect(stale!).toBeLessThan(0.8 * rounds!);
});

test(
  'whatever fails, no accepted work is lost, counted twice or older than allowed, and every job ends',
  () => {
    const scenarios = seeds.map((seed) => scenarioOf(seed, { staleness: 1 + (seed % 3) }));
    expect(completedShare(scenarios)).toBeGreaterThan(0.9);
  },
  patienceMs(seeds),
);
