// What happens in a simulation besides the job itself: who takes part, how good the network is, what goes wrong.

import { parseManifest } from '../../manifest/manifest.ts';
import type { Manifest } from '../../manifest/manifest.ts';
import type { Topology } from '../../manifest/topology.ts';
import type { Verification } from '../../manifest/verification.ts';
import { createRandom } from '../../random.ts';
import type { Random } from '../../random.ts';

/**
 * Deaf: never says what it received. Copier: commits a peer's payload. Replayer: commits one of an old round. Liar: does no work, and
 * says the opposite of what is true about the work of others. */
export type Malice = 'none' | 'deaf' | 'copier' | 'replayer' | 'liar';

export interface WorkerTraits {
  tokensPerSecond: number;
  joinsAtMs: number;
  corruption: number; // probability that applying a round goes wrong
  relayOnly: boolean; // no peer connection ever opens
  slowLink: number; // so many times the delay of others for what it sends to peers
  malice: Malice;
}

/** Probabilities are per second of virtual time, for the whole job, unless said otherwise. */
export interface Faults {
  crash: number; // a worker loses its memory and starts anew later
  flap: number; // a worker loses its connection to the room only
  freeze: number; // a worker does nothing for a while, as a tab in the background
  leave: number; // a worker says goodbye and comes back later
  pause: number;
  drain: number; // a worker that is wanted elsewhere asks to be let go, and comes back later
  restart: number; // the room loses everything but its stored state
  partition: number; // some pairs of workers cannot reach each other for a while
  failedUpload: number; // probability that a leased upload is declined or never ends
  duplicate: number; // probability that a message comes twice
  reorder: boolean; // messages of a worker to the room overtake each other
}

export interface Scenario {
  seed: number;
  manifest: Manifest;
  workers: WorkerTraits[];
  faults: Faults;
  batchMs: number; // how long the room gathers events to take together; 0 takes each by itself
  clockSkewMs: number; // a restarted room's clock may be so far off, either way
  latencyMs: number; // mean, one way; half to three halves of it
  calmAtMs: number; // when everything heals
  limitMs: number; // when the job must be over
  checksMessages: boolean; // every message goes through its parser; slower
}

export const noFaults: Faults = {
  crash: 0,
  flap: 0,
  freeze: 0,
  leave: 0,
  pause: 0,
  drain: 0,
  restart: 0,
  partition: 0,
  failedUpload: 0,
  duplicate: 0,
  reorder: false,
};

export interface JobSize {
  min: number;
  max: number;
  maxTokens?: number;
  maxDuration?: string;
  checkpointInterval?: string;
  topology?: Topology;
  verification?: Verification;
  staleness?: number;
  overlap?: boolean; // of two fragments
}

/** A job of 100 tokens a step and 10 steps a round. */
export function simulatedManifest({
  min,
  max,
  checkpointInterval = '20s',
  topology = 'auto',
  verification = 'none',
  staleness = 0,
  overlap = false,
  ...end
}: JobSize): Manifest {
  return parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'simulated' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', width: 16, context: 10 },
      data: { source: 'npm:text' },
      optimizer: { batchSize: 10 },
      rounds: { innerSteps: 10, compression: 'int8', topology, staleness, fragments: overlap ? 2 : 1, overlap },
      verification,
      resources: { workers: { min, max } },
      runtime: { ...end, checkpointInterval },
    },
  });
}

/** Equally fast workers whose messages and payloads take `latencyMs` each way, for about 20 rounds. */
export function calmScenario(workers: number, size: Partial<JobSize> = {}, latencyMs = 20): Scenario {
  const steady = { tokensPerSecond: 500, joinsAtMs: 0, corruption: 0, relayOnly: false, slowLink: 1 };
  return {
    seed: 1,
    manifest: simulatedManifest({ min: workers, max: workers, maxTokens: workers * 20_000, ...size }),
    workers: Array.from({ length: workers }, () => ({ ...steady, malice: 'none' })),
    faults: noFaults,
    batchMs: 0,
    clockSkewMs: 0,
    latencyMs,
    calmAtMs: 0,
    limitMs: 3_600_000,
    checksMessages: true,
  };
}

const topologies: readonly Topology[] = [
  'auto',
  'mesh',
  'ring',
  { kind: 'groups', groupSize: 2, reshuffle: 3 },
  { kind: 'groups', groupSize: 4, reshuffle: 2 },
  { kind: 'tree', groupSize: 3, branching: 2, reshuffle: 4 },
];

const malices: readonly Malice[] = ['deaf', 'copier', 'replayer'];

function pickOne<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)]!;
}

/** A small job with random faults of every kind: the same for the same seed. */
export function randomScenario(seed: number): Scenario {
  const random = createRandom(seed, 0x5ce);
  const pick = (most: number): number => (random.below(3) === 0 ? random.uniform() * most : 0);
  const topology = pickOne(random, topologies);
  const count = 1 + random.below(typeof topology === 'string' ? 6 : 14);
  const min = 1 + random.below(count);
  const workers = Array.from({ length: count }, (_, index) => ({
    tokensPerSecond: 100 + random.below(900),
    joinsAtMs: index < min ? random.below(5_000) : random.below(60_000),
    corruption: random.below(6) === 0 ? random.uniform() * 0.5 : 0,
    relayOnly: random.below(8) === 0,
    slowLink: random.below(6) === 0 ? 1 + random.below(100) : 1,
    malice: index > 0 && random.below(10) === 0 ? pickOne(random, malices) : 'none',
  }));
  const faults = {
    crash: pick(0.05),
    flap: pick(0.1),
    freeze: pick(0.03),
    leave: pick(0.03),
    pause: pick(0.03),
    drain: 0,
    restart: pick(0.05),
    partition: pick(0.05),
    failedUpload: pick(0.5),
    duplicate: pick(0.2),
    reorder: random.below(5) === 0,
  };
  const end = random.below(4) === 0 ? { maxDuration: '90s' } : { maxTokens: 4_000 * count + random.below(20_000) };
  const honest = workers.filter(({ corruption, malice }) => corruption === 0 && malice === 'none').length;
  const manifest = simulatedManifest({
    min: Math.max(1, Math.min(min, honest)),
    max: 1 + random.below(count) + min,
    topology,
    ...end,
  });
  const [latencyMs, checksMessages] = [5 + random.below(200), seed % 10 === 0];
  return {
    seed,
    manifest,
    workers,
    faults,
    batchMs: random.below(3) === 0 ? 50 : 0,
    clockSkewMs: random.below(3) === 0 ? 5_000 : 0,
    latencyMs,
    calmAtMs: 120_000,
    limitMs: 3_600_000,
    checksMessages,
  };
}
