// Which random schedules the tests play: SCHEDULES=2000 plays seeds 0 to 1999, with FIRST=2000 those from 2000 on; SEED=n
// replays a single one.

import type { JobSize, Scenario } from './scenario.ts';
import { randomScenario, simulatedManifest } from './scenario.ts';
import { simulate } from './simulate.ts';

/** @param few how many, unless the environment says otherwise */
export function seedsFor(environment: Readonly<Record<string, string | undefined>>, few: number): number[] {
  const { SEED: only, FIRST: first = 0, SCHEDULES: count = few } = environment;
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
}

/** What such a test may take on a machine that is busy with other things; it ends what hangs. */
export function patienceMs(seeds: readonly number[]): number {
  return Math.max(600_000, 3_000 * seeds.length);
}

/** The random scenario of a seed with a job of another kind, among as many workers and as long; everyone sees all but where fragments overlap. */
export function scenarioOf(seed: number, job: Pick<JobSize, 'staleness' | 'verification' | 'overlap'>): Scenario {
  const scenario = randomScenario(seed);
  const { rounds, resources, runtime } = scenario.manifest.spec;
  const topology = job.overlap === true ? rounds.topology : 'auto';
  const end = runtime.maxTokens === undefined ? { maxDuration: '90s' } : { maxTokens: runtime.maxTokens };
  return { ...scenario, manifest: simulatedManifest({ ...resources.workers, topology, ...job, ...end }) };
}

/** The share of the jobs that were trained and stored: whoever has little time may have none for its first round, see `checkEnd`. */
export function completedShare(scenarios: readonly Scenario[]): number {
  const phases = scenarios.map((scenario) => simulate(scenario).state.phase);
  return phases.filter((phase) => phase === 'completed').length / phases.length;
}
