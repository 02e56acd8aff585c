// Whole jobs whose ring adds up: the real room, virtual workers that make sums of pieces, with and without faults.

import { expect, test } from 'vitest';
import type { LedgerEventDraft } from '../../ledger/events.ts';
import { calmScenario, randomScenario, simulatedManifest } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { patienceMs } from './schedules.ts';
import { simulate } from './simulate.ts';

const schedules = Number(process.env['SCHEDULES'] ?? 40); // SEED=n replays a single one
const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: schedules }, (_, seed) => seed);

const calm = (count: number): Scenario => calmScenario(count, { topology: 'ring' });

/** A random schedule of faults among enough workers to add up. */
function random(seed: number): Scenario {
  const scenario = randomScenario(seed);
  const others = [...scenario.workers, ...randomScenario(seed + 100_000).workers];
  const workers = [...others.slice(0, 6), ...calm(2).workers];
  const honest = workers.filter(({ corruption, malice }) => corruption === 0 && malice === 'none').length;
  const size = { min: Math.min(honest, 3), max: workers.length, maxTokens: 6_000 * workers.length };
  return { ...scenario, workers, manifest: simulatedManifest({ ...size, topology: 'ring' }) };
}

type Closed = Extract<LedgerEventDraft, { type: 'round.closed' }>['data'];

function closedIn(ledger: readonly LedgerEventDraft[]): Closed[] {
  return ledger.flatMap((event) => (event.type === 'round.closed' ? event.data : []));
}

test.each([3, 4, 12])('%i workers: every round is added up, everyone is in it and credited by itself', (count) => {
  const { state, ledger, relayed } = simulate(calm(count));
  expect(state).toMatchObject({ phase: 'completed', tokens: count * 20_000, refused: {} });
  for (const { accepted, applied, late } of closedIn(ledger)) {
    expect(accepted).toHaveLength(count);
    expect(applied).toMatchObject([{ folds: count, tokens: accepted.reduce((sum, { tokens }) => sum + tokens, 0) }]);
    expect(late).toEqual([]);
  }
  expect(relayed).toBe(0);
});

test.each([2, 33])('%i workers hand payloads on whole', (count) => {
  const { state, ledger } = simulate(calm(count));
  expect(state).toMatchObject({ phase: 'completed', tokens: count * 20_000, refused: {} });
  for (const { accepted, applied } of closedIn(ledger)) expect((applied ?? accepted).length).toBe(accepted.length);
});

test('workers that cannot connect to each other add up through the relay', () => {
  const scenario = calm(4);
  const { state } = simulate({ ...scenario, workers: scenario.workers.map((one) => ({ ...one, relayOnly: true })) });
  expect(state).toMatchObject({ phase: 'completed', tokens: 80_000 });
});

test(
  'whatever fails, no accepted work is lost or counted twice, and every job ends',
  () => {
    const played = seeds.map((seed) => simulate(random(seed)));
    const rounds = played.flatMap(({ ledger }) => closedIn(ledger));
    const added = rounds.filter(({ accepted, applied }) => applied !== undefined && accepted.length > 1);
    expect(added.length).toBeGreaterThan(rounds.length / 4);
    expect(rounds.length - added.length).toBeGreaterThan(rounds.length / 20);
  },
  patienceMs(seeds),
);
