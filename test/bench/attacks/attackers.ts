// What lying workers send, one attack an entry. They lie together, and send their lies through the job's codec. Where payloads
// are sent openly they see all honest contributions of the round before they send theirs; where commitments come first, only
// what they trained themselves and what was sent in earlier rounds.

import { average, combine, distance, lowerMedian, norm } from '../../../shared/aggregation/vectors.ts';
import type { Random } from '../../../shared/random.ts';

/** What a liar knows when it must send its contribution. */
export interface Scene {
  readonly own: Float32Array; // trained as the attack says; zeros if it does not train
  readonly honest: readonly Float32Array[]; // honest contributions of this round that they know: all, or their own
  readonly seen: readonly Float32Array[]; // the newest contributions of others that they know
  readonly workers: number; // honest ones
  readonly liars: number;
  readonly place: number; // among the liars, from 0
  readonly changes: readonly Float32Array[]; // of the agreed parameters, one per earlier round
  readonly sent: readonly Float32Array[]; // what the first honest worker sent in earlier rounds
  readonly random: Random;
}

export interface Attack {
  readonly name: string;
  readonly trains: 'not' | 'truly' | 'on wrong labels';
  readonly lie: (scene: Scene) => Float32Array;
  /** Says what is true of the work of others; without it, that liars are right and honest workers wrong. */
  readonly judgesTruly?: boolean;
  /** Changes the encoded payload. */
  readonly forge?: (payload: Uint8Array) => void;
}

const headerBytes = 8; // of a payload

export const attacks: readonly Attack[] = [
  { name: 'sign flip', trains: 'truly', lie: ({ own }) => scaled(own, -10) },
  { name: 'ALIE', trains: 'not', lie: aLittleIsEnough },
  { name: 'quiet ALIE', trains: 'not', lie: aLittleIsEnough, judgesTruly: true },
  { name: 'IPM', trains: 'not', lie: ({ honest }) => scaled(average(honest), -0.5) }, // arXiv 1903.03936
  { name: 'label flip', trains: 'on wrong labels', lie: ({ own }) => own },
  { name: 'mimic', trains: 'not', lie: ({ seen }) => seen[0]! }, // arXiv 2006.09365: one worker is over-represented
  { name: 'off the centre', trains: 'not', lie: orthogonalToTheCentre },
  {
    name: 'free rider',
    trains: 'not',
    lie: ({ honest, random }) => noise(honest[0]!.length, norm(honest[0]!), random),
  },
  { name: 'copier', trains: 'not', lie: ({ seen, place }) => seen[place % seen.length]! },
  { name: 'replay', trains: 'not', lie: ({ sent, honest }) => sent[0] ?? honest[0]! },
  { name: 'huge norm', trains: 'not', lie: ({ honest, random }) => noise(honest[0]!.length, 1e6, random) },
  { name: 'NaN', trains: 'not', lie: ({ honest }) => honest[0]!, forge: (payload) => payload.fill(0xff, headerBytes) },
  { name: 'quiet sign flip', trains: 'truly', lie: ({ own }) => scaled(own, -10), judgesTruly: true },
  { name: 'quiet replay', trains: 'not', lie: ({ sent, honest }) => sent[0] ?? honest[0]!, judgesTruly: true },
  { name: 'wrong version', trains: 'not', lie: ({ honest }) => honest[0]!, forge: (payload) => payload.fill(99, 2, 3) },
];

/**
 * A little is enough (arXiv 1902.06156): the honest mean moved by so many standard deviations in each coordinate that just
 * enough honest workers lie farther out for the liars to pass for the majority.
 */
function aLittleIsEnough({ honest, workers, liars }: Scene): Float32Array {
  const needed = Math.floor((workers + liars) / 2) + 1 - liars;
  const deviations = normalQuantile((workers - needed) / workers);
  const mean = average(honest);
  return mean.map((value, i) => {
    const variance = honest.reduce((sum, vector) => sum + (vector[i]! - value) ** 2, 0) / honest.length;
    return value - deviations * Math.sqrt(variance);
  });
}

/**
 * After the attack on centered clipping of arXiv 2208.09894: from the last round's change (where a centre may be carried over)
 * and the honest mean, as far out as honest contributions lie and always in the same direction, at right angles to the
 * mean, so that nothing is clipped and every round adds up.
 */
function orthogonalToTheCentre({ honest, changes }: Scene): Float32Array {
  const mean = average(honest);
  const centre = combine([mean, changes.at(-1) ?? mean], [0.5, 0.5]);
  const radius = lowerMedian(honest.map((vector) => distance(vector, centre)));
  const ones = mean.map((_, i) => (i % 2 === 0 ? 1 : -1));
  const along = dot(ones, mean) / (norm(mean) ** 2 || 1);
  const sideways = combine([ones, mean], [1, -along]);
  return combine([centre, sideways], [1, radius / norm(sideways)]);
}

/** z with P(Z < z) = p for the standard normal distribution, by halving an interval. */
function normalQuantile(p: number): number {
  let [low, high] = [-6, 6];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < p) low = middle;
    else high = middle;
  }
  return low;
}

/** Simpson's rule over the density. */
function normalDistribution(z: number): number {
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const steps = 100;
  const width = z / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    const x = i * width;
    sum += (density(x) + 4 * density(x + width / 2) + density(x + width)) * (width / 6);
  }
  return 0.5 + sum;
}

function scaled(vector: Float32Array, factor: number): Float32Array {
  return vector.map((value) => factor * value);
}

function noise(elements: number, length: number, random: Random): Float32Array {
  const vector = Float32Array.from({ length: elements }, () => random.normal());
  return scaled(vector, length / norm(vector));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
