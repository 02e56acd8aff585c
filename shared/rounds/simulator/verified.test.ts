// Whole jobs with verification: the real room, honest workers and liars, with and without faults.

import { expect, test } from 'vitest';
import type { LedgerEventDraft } from '../../ledger/events.ts';
import { noFaults, simulatedManifest } from './scenario.ts';
import type { Malice, Scenario } from './scenario.ts';
import { completedShare, patienceMs, scenarioOf, seedsFor } from './schedules.ts';
import { simulate } from './simulate.ts';

const seeds = seedsFor(process.env, 30);

/** `workers` that are all there from the beginning, the last `liars` of them lying, for about `rounds` rounds. */
function crowd(workers: number, liars: number, rounds: number): Scenario {
  const maliceOf = (index: number): Malice => (index >= workers - liars ? 'liar' : 'none');
  const steady = { tokensPerSecond: 500, joinsAtMs: 0, corruption: 0, relayOnly: false, slowLink: 1, clockSkewMs: 0 };
  const min = Math.max(1, workers - liars - Math.ceil(workers / 2));
  return {
    seed: 1,
    manifest: simulatedManifest({ min, max: workers, maxTokens: workers * rounds * 1000, verification: 'standard' }),
    workers: Array.from({ length: workers }, (_, index) => ({ ...steady, malice: maliceOf(index) })),
    faults: noFaults,
    batchMs: 0,
    clockSkewMs: 0,
    latencyMs: 20,
    calmAtMs: 0,
    limitMs: 3_600_000,
    checksMessages: true,
  };
}

const idsOf = (ledger: readonly LedgerEventDraft[], type: 'worker.banned' | 'worker.quarantined'): string[] =>
  ledger.flatMap((event) => (event.type === type ? event.data.workerId : [])).toSorted();

test.each([1, 2, 3, 12])('%i honest workers check each other and finish, nobody is refused', (workers) => {
  const { state, ledger } = simulate(crowd(workers, 0, 20));
  expect(state.phase).toBe('completed');
  expect(state.refused).toEqual({});
  expect(ledger.filter(({ type }) => type === 'contribution.refused' || type.startsWith('worker.ba'))).toEqual([]);
  const audits = ledger.filter(({ type }) => type === 'shard.audited').length;
  expect(audits > 0).toBe(workers > 1);
  expect(state.court.computedAgain).toBeLessThanOrEqual(0.12 * state.court.computed + 1);
});

test('4 liars of 10 are banned, told so, and nothing of theirs counts after the first round', () => {
  const { state, ledger } = simulate(crowd(10, 4, 40));
  expect(state.phase).toBe('completed');
  const liars = ['w-00000006', 'w-00000007', 'w-00000008', 'w-00000009'];
  expect(idsOf(ledger, 'worker.banned')).toEqual(liars);
  const honest = Object.values(state.members).filter(({ workerId }) => !liars.includes(workerId));
  expect(honest.every(({ present, roundsAccepted }) => present && roundsAccepted > 10)).toBe(true);
  for (const id of liars) expect(state.members[id]?.roundsAccepted ?? 0).toBeLessThanOrEqual(1);
});

test('among three, one liar is found by the other two', () => {
  const { ledger, state } = simulate(crowd(3, 1, 40));
  expect(state.phase).toBe('completed');
  expect(idsOf(ledger, 'worker.banned')).toEqual(['w-00000002']);
});

test(
  'whatever fails, nothing is lost or counted twice, no honest worker is accused, and every job ends',
  () => {
    const scenarios = seeds.map((seed) => scenarioOf(seed, { verification: 'standard' }));
    expect(completedShare(scenarios)).toBeGreaterThan(0.9);
  },
  patienceMs(seeds),
);
