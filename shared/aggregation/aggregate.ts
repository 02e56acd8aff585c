// What a closed round's contributions come to under the rule that the manifest chose. Every worker computes it for itself from
// the same list and must get the same bits: no GPU, no clock, no parallel sums.

import { LoomError } from '../errors.ts';
import { aggregationSettings } from '../manifest/aggregation.ts';
import type { Aggregation, AggregationSettings } from '../manifest/aggregation.ts';
import { aligned } from './aligned.ts';
import { bucketed } from './bucketing.ts';
import { centeredClipping } from './centered-clipping.ts';
import { geometricMedian } from './geometric-median.ts';
import { krum, multiKrum } from './krum.ts';
import { mean } from './mean.ts';
import { clipTensors } from './norm-clip.ts';
import type { Context, Difference, Rule } from './rule.ts';
import { coordinateMedian, trimmedMean } from './trimmed-mean.ts';
import { allFinite } from './vectors.ts';

export interface Aggregate {
  /** What the round changes; null when no contribution counts. */
  readonly difference: Float32Array | null;
  /** Places in the list of contributions that held NaN or infinity and were left out. */
  readonly dropped: readonly number[];
}

/**
 * Contributions without tokens do not count.
 * @throws LoomError `internal` when a difference has another length than the parameters
 */
export function aggregate(aggregation: Aggregation, contributions: readonly Difference[], context: Context): Aggregate {
  for (const { difference } of contributions) checkLength(difference, context.elements);
  const dropped = contributions.flatMap(({ difference }, place) => (allFinite(difference) ? [] : [place]));
  const counted = contributions.filter(({ tokens }, place) => tokens > 0 && !dropped.includes(place));
  if (counted.length === 0) return { difference: null, dropped };
  const settings = aggregationSettings(aggregation);
  const clipped = settings.clipTensors ? clipTensors(counted, context.ranges) : counted;
  const rule = settings.aligned ? aligned(ruleOf(settings)) : ruleOf(settings);
  return { difference: bucketed(rule, settings.bucketSize, context.round)(clipped), dropped };
}

function ruleOf(settings: AggregationSettings): Rule {
  const attackers = settings.attackers * settings.bucketSize; // of what the rule sees
  switch (settings.kind) {
    case 'mean':
      return mean;
    case 'median':
      return coordinateMedian;
    case 'trimmed-mean':
      return trimmedMean(attackers);
    case 'krum':
      return krum(attackers);
    case 'multi-krum':
      return multiKrum(attackers);
    case 'geometric-median':
      return geometricMedian;
    case 'centered-clipping':
      return centeredClipping(settings.radius);
  }
}

function checkLength(difference: Float32Array, elements: number): void {
  if (difference.length === elements) return;
  throw new LoomError('internal', `a difference of ${difference.length} elements for ${elements} parameters`);
}
