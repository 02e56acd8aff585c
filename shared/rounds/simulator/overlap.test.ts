// Whole jobs whose fragments overlap: the real room, workers that train for the next fragment while one is exchanged.

import { expect, test } from 'vitest';
import { calmScenario, randomScenario, simulatedManifest } from './scenario.ts';
import { simulate } from './simulate.ts';

const schedules = Number(process.env['SCHEDULES'] ?? 100); // SEED=n replays a single one
const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: schedules }, (_, seed) => seed);

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
    const phases = seeds.map((seed) => {
      const scenario = randomScenario(seed);
      const { rounds, resources, runtime } = scenario.manifest.spec;
      const end = runtime.maxTokens === undefined ? { maxDuration: '90s' } : { maxTokens: runtime.maxTokens };
      const size = { ...resources.workers, topology: rounds.topology, overlap: true, ...end };
      return simulate({ ...scenario, manifest: simulatedManifest(size) }).state.phase;
    });
    expect(phases.filter((phase) => phase === 'completed').length).toBeGreaterThan(0.9 * seeds.length);
  },
  Math.max(120_000, 300 * seeds.length),
);
