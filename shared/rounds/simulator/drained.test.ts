// Whole jobs whose workers are wanted elsewhere again and again and ask to be let go, besides all other faults: in every topology,
// with bounded staleness, and where fragments overlap.

import { expect, test } from 'vitest';
import { randomScenario } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { completedShare, patienceMs, scenarioOf, seedsFor } from './schedules.ts';

const seeds = seedsFor(process.env, 100);

/** One in two rounds or so, some worker asks to go. */
function draining(seed: number): Scenario {
  const jobs = [{}, { staleness: 1 }, { staleness: 2 }, { overlap: true }];
  const scenario = seed % 4 === 0 ? randomScenario(seed) : scenarioOf(seed, jobs[seed % 4]!);
  return { ...scenario, faults: { ...scenario.faults, drain: 0.02 } };
}

test(
  'nobody is let go with the only copy of the state or in the middle of its work, and every job ends',
  () => expect(completedShare(seeds.map(draining))).toBeGreaterThan(0.9),
  patienceMs(seeds),
);
