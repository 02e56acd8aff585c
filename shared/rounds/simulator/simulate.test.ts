import { expect, test } from 'vitest';
import { noFaults, randomScenario, simulatedManifest } from './scenario.ts';
import type { Scenario, WorkerTraits } from './scenario.ts';
import { simulate } from './simulate.ts';

const schedules = Number(process.env['SCHEDULES'] ?? 200); // SEED=n replays a single one
const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: schedules }, (_, seed) => seed);

const steady: WorkerTraits = {
  tokensPerSecond: 500,
  joinsAtMs: 0,
  corruption: 0,
  relayOnly: false,
  slowLink: 1,
  clockSkewMs: 0,
  malice: 'none',
};

function calm(workers: number, traits: Partial<WorkerTraits> = {}): Scenario {
  return {
    seed: 1,
    manifest: simulatedManifest({ min: workers, max: workers, maxTokens: workers * 10_000 }),
    workers: Array.from({ length: workers }, () => ({ ...steady, ...traits })),
    faults: noFaults,
    batchMs: 0,
    latencyMs: 20,
    calmAtMs: 0,
    limitMs: 600_000,
    checksMessages: true,
  };
}

test('without faults every round takes everyone and nothing is lost', () => {
  const { state, ledger } = simulate(calm(4));
  expect(state).toMatchObject({ phase: 'completed', tokens: 40_000, refused: {} });
  const late = ledger.flatMap((event) => (event.type === 'round.closed' ? event.data.late : []));
  expect(late).toEqual([]);
  expect(ledger.filter(({ type }) => type === 'round.rewound' || type === 'worker.left')).toEqual([]);
});

test('workers that cannot connect to each other go through the relay', () => {
  const { state } = simulate(calm(3, { relayOnly: true }));
  expect(state).toMatchObject({ phase: 'completed', tokens: 30_000 });
});

test('the same seed gives the same job', () => {
  expect(simulate(randomScenario(3))).toEqual(simulate(randomScenario(3)));
});

test('whatever fails, no accepted work is lost or counted twice, and every job ends', () => {
  const phases = seeds.map((seed) => simulate(randomScenario(seed)).state.phase);
  expect(phases.filter((phase) => phase === 'completed').length).toBeGreaterThan(0.9 * seeds.length); // see checkEnd
}, 120_000);
