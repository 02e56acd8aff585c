import { expect, test } from 'vitest';
import type { Topology } from '../../manifest/topology.ts';
import { noFaults, randomScenario, simulatedManifest } from './scenario.ts';
import type { Scenario, WorkerTraits } from './scenario.ts';
import { completedShare, patienceMs, seedsFor } from './schedules.ts';
import { simulate } from './simulate.ts';

const seeds = seedsFor(process.env, 200);

const steady: WorkerTraits = {
  tokensPerSecond: 500,
  joinsAtMs: 0,
  corruption: 0,
  relayOnly: false,
  slowLink: 1,
  malice: 'none',
};

function calm(workers: number, traits: Partial<WorkerTraits> = {}, topology: Topology = 'mesh'): Scenario {
  return {
    seed: 1,
    manifest: simulatedManifest({ min: workers, max: workers, maxTokens: workers * 10_000, topology }),
    workers: Array.from({ length: workers }, () => ({ ...steady, ...traits })),
    faults: noFaults,
    batchMs: 0,
    clockSkewMs: 0,
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

test.each<[Topology, number]>([
  ['ring', 4],
  [{ kind: 'groups', groupSize: 2 }, 4],
  [{ kind: 'groups', groupSize: 4 }, 14],
  [{ kind: 'tree', groupSize: 3, branching: 2 }, 14],
  ['auto', 40],
])('%j with %i workers: nobody is late and nothing is left out', (topology, workers) => {
  const { state, ledger } = simulate(calm(workers, {}, topology));
  expect(state).toMatchObject({ phase: 'completed', tokens: workers * 10_000, refused: {} });
  const closed = ledger.flatMap((event) => (event.type === 'round.closed' ? event.data : []));
  expect(closed.flatMap(({ late }) => late)).toEqual([]);
  const folds = closed.filter(({ applied, accepted }) => (applied ?? accepted).length < accepted.length);
  expect(folds).toHaveLength(closed.length);
});

test('a worker that never says what it received does not hold up the others', () => {
  const scenario = calm(4);
  const [first, ...others] = scenario.workers;
  const whole = simulate(scenario).virtualMs;
  const { state, virtualMs } = simulate({ ...scenario, workers: [...others, { ...first!, malice: 'deaf' }] });
  expect(state.phase).toBe('completed');
  expect(virtualMs).toBeLessThan(2.5 * whole);
});

test('workers that cannot connect to each other go through the relay', () => {
  const { state } = simulate(calm(3, { relayOnly: true }));
  expect(state).toMatchObject({ phase: 'completed', tokens: 30_000 });
});

test('the same seed gives the same job', () => {
  expect(simulate(randomScenario(3))).toEqual(simulate(randomScenario(3)));
});

test(
  'whatever fails, no accepted work is lost or counted twice, and every job ends',
  () => expect(completedShare(seeds.map(randomScenario))).toBeGreaterThan(0.9),
  patienceMs(seeds),
);
