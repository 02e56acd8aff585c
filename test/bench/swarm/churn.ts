// Half of the workers vanish every five rounds, in the middle of their work, and come back with nothing. What that costs in
// work is counted in the simulator (the real shared/rounds); what it costs in loss is trained for, at equal accepted tokens.
//   npm run bench:swarm -- --churn [--quick] [--json FILE]

import { cpus } from 'node:os';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { createRandom } from '../../../shared/random.ts';
import { noFaults, simulatedManifest } from '../../../shared/rounds/simulator/scenario.ts';
import type { Scenario } from '../../../shared/rounds/simulator/scenario.ts';
import { play } from '../../../shared/rounds/simulator/simulate.ts';
import { tokensPerStep } from '../../../shared/rounds/pace/schedule.ts';
import type { RoomEvent, RoomState } from '../../../shared/rounds/types.ts';
import { manifestWith } from './manifest-with.ts';
import { runVirtualJob } from './virtual-swarm.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // the same without churn
  readonly seeds: number;
}

const everyRounds = 5;
const workers = 16;
const roundSeconds = 20;

export async function measureChurn(base: Manifest, data: Uint8Array, quick: boolean, say: (line: string) => void) {
  const seeds = quick ? [1] : [1, 2, 3];
  const rows = [goodputRow(seeds), ...(await lossRows(base, data, quick, seeds))];
  for (const { name, value, unit, dense } of rows) say(`${name}: ${value} ${unit}, ${dense} without churn`);
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  return { rows, machine, date: new Date().toISOString() };
}

function goodputRow(seeds: readonly number[]): Row {
  const goodput = (isCalm: boolean): number => mean(seeds.map((seed) => goodputOf(churning(seed, isCalm))));
  return row('accepted work / work done, 16 workers', '%', 100 * goodput(false), 100 * goodput(true), seeds.length);
}

/** Each worker vanishes once in ten rounds on average, at any moment. */
function churning(seed: number, isCalm: boolean): Scenario {
  const manifest = simulatedManifest({
    min: 2,
    max: workers,
    maxTokens: workers * 1000 * 60,
    checkpointInterval: '60s',
  });
  const traits = { joinsAtMs: 0, corruption: 0, relayOnly: false, slowLink: 1, malice: 'none' } as const;
  return {
    seed,
    manifest,
    workers: Array.from({ length: workers }, (_, index) => ({
      ...traits,
      tokensPerSecond: 1000 / roundSeconds + index,
    })),
    faults: isCalm ? noFaults : { ...noFaults, crash: 0.5 / (everyRounds * roundSeconds) },
    batchMs: 0,
    clockSkewMs: 0,
    latencyMs: 30,
    calmAtMs: Infinity,
    limitMs: 4 * 3_600_000,
    checksMessages: false,
  };
}

/** Tokens accepted, of the tokens trained: those that were committed, and those that were under way when their worker vanished. */
function goodputOf(scenario: Scenario): number {
  let trained = 0;
  const { state } = play(scenario, (before, events, _, now) => {
    for (const event of events) trained += trainedTokens(before, event, now);
  });
  return state.tokens / trained;
}

function trainedTokens({ open, members, manifest }: RoomState, event: RoomEvent, now: number): number {
  if (event.type === 'message' && event.message.type === 'commit') return event.message.tokens;
  const part = event.type === 'gone' ? open?.parts[event.workerId] : undefined;
  if (event.type !== 'gone' || open === null || part === undefined || part.commit !== null) return 0;
  const tokens = part.assignment.steps * tokensPerStep(manifest);
  const speed = members[event.workerId]!.tokensPerSecond;
  return Math.min(tokens, (speed * (now - open.openedAt)) / 1000);
}

async function lossRows(base: Manifest, data: Uint8Array, quick: boolean, seeds: readonly number[]): Promise<Row[]> {
  const changes = {
    'spec.runtime.maxTokens': quick ? 200_000 : 500_000,
    'spec.rounds': { innerSteps: 8, outerMomentum: 0.5 },
  };
  const losses = { calm: [] as number[], churn: [] as number[] };
  for (const seed of seeds) {
    const manifest = manifestWith(base, { ...changes, 'spec.seed': seed });
    losses.calm.push((await runVirtualJob({ manifest, data, workers: 8 })).evaluation.loss);
    losses.churn.push((await runVirtualJob({ manifest, data, workers: 8, vanishes: half(seed) })).evaluation.loss);
  }
  const [calm, churn] = [mean(losses.calm), mean(losses.churn)];
  return [
    row('loss at equal accepted tokens, 8 workers, int8', 'nats/byte', churn, calm, seeds.length),
    row(
      'loss at equal accepted tokens, 8 workers, int8',
      '% above no churn',
      100 * (churn / calm - 1),
      0,
      seeds.length,
    ),
  ];
}

/** Every five rounds another half of the eight. */
function half(seed: number): (round: number, worker: number) => boolean {
  return (round, worker) => {
    if (round % everyRounds !== everyRounds - 1) return false;
    const random = createRandom(seed, round);
    const drawn = Array.from({ length: 8 }, (_, index) => ({ index, at: random.uniform() }));
    return drawn.toSorted((a, b) => a.at - b.at).findIndex(({ index }) => index === worker) < 4;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function row(name: string, unit: string, value: number, dense: number, seeds: number): Row {
  return { name, unit, value: Number(value.toPrecision(5)), dense: Number(dense.toPrecision(5)), seeds };
}
