// How much each worker trains in a round and at which learning rate. Numbers only: no members, no messages.

import { median } from '../../median.ts';
import type { Manifest } from '../../manifest/manifest.ts';
import { warmedUp } from '../../manifest/warmup.ts';

const minLearningRateShare = 0.01; // of the peak, so that no round is trained for nothing
const slotsPerRound = 1024; // no manifest allows more workers

/** Tokens one local step trains on. */
export function tokensPerStep(manifest: Manifest): number {
  const { model, optimizer } = manifest.spec;
  return optimizer.batchSize * optimizer.accumulate * model.context;
}

/** Local steps of the fastest worker in a round: few at first where the manifest says so, because early on workers diverge fastest. */
export function innerStepsAt({ innerSteps, warmup }: Manifest['spec']['rounds'], round: number): number {
  return warmup === undefined ? innerSteps : Math.round(warmedUp(warmup.innerSteps, innerSteps, warmup.rounds, round));
}

/** Speeds with the unknown ones (0) replaced by the median of the known ones. */
export function completeSpeeds(speeds: readonly number[]): number[] {
  const known = speeds.filter((speed) => speed > 0);
  const typical = known.length === 0 ? 1 : median(known);
  return speeds.map((speed) => (speed > 0 ? speed : typical));
}

/**
 * Local steps for each worker, proportional to its speed so that all finish at about the same time; the fastest does
 * `innerSteps`. Together never more than `budget`; then a worker may get none.
 */
export function shareSteps(
  speeds: readonly number[],
  innerSteps: number,
  budget: number,
  fastest = speeds.reduce((a, b) => Math.max(a, b), 0),
): number[] {
  const steps = speeds.map((speed) => Math.max(1, Math.round((innerSteps * speed) / fastest)));
  const total = steps.reduce((a, b) => a + b, 0);
  return total <= budget ? steps : shrink(steps, budget / total, budget);
}

/** Scales down and hands what rounding left over to those that lost most by it. */
function shrink(steps: readonly number[], scale: number, budget: number): number[] {
  const shrunk = steps.map((count) => Math.floor(count * scale));
  const left = budget - shrunk.reduce((a, b) => a + b, 0);
  const lost = (slot: number): number => steps[slot]! * scale - shrunk[slot]!;
  const winners = steps.map((_, slot) => slot).toSorted((a, b) => lost(b) - lost(a) || a - b);
  for (const slot of winners.slice(0, left)) shrunk[slot]! += 1;
  return shrunk;
}

/** Seeds the batches of one slot of one round. A bijection (murmur3's finalizer), so that no two of a job share a seed. */
export function slotSeed(seed: number, round: number, slot: number): number {
  let mixed = (round * slotsPerRound + slot + Math.imul(seed, 0x9e3779b9)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Linear warm-up to the peak, level, linear decay over the last part. `progress` is that of the run, 0 to 1. */
export function learningRateAt(optimizer: Manifest['spec']['optimizer'], progress: number): number {
  const rising = optimizer.warmup > 0 ? progress / optimizer.warmup : 1;
  const falling = optimizer.decay > 0 ? (1 - progress) / optimizer.decay : 1;
  const share = Math.max(minLearningRateShare, Math.min(1, rising, falling));
  return optimizer.learningRate * share;
}
