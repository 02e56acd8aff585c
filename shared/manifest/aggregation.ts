// How the contributions of a round become one step: what an owner may write as `rounds.aggregation`, and what that means.
// A name alone stands for its defaults. An option that the chosen rule does not have is an error, not ignored.

import { z } from 'zod';

const kinds = [
  'mean', // weighted by tokens; for workers that are trusted
  'median',
  'trimmed-mean',
  'krum',
  'multi-krum',
  'geometric-median',
  'centered-clipping',
] as const;

export type AggregationKind = (typeof kinds)[number];

export interface AggregationSettings {
  readonly kind: AggregationKind;
  readonly attackers: number; // part of a round's contributions that may lie
  readonly radius: number; // times the median distance from the centre
  readonly bucketSize: number; // contributions averaged before the rule sees them; 1 = none
  readonly clipTensors: boolean; // to the median norm of each parameter tensor
  readonly aligned: boolean; // without contributions that point away from what the rule finds over all
  readonly workerMomentum: number; // of the running mean of its differences that a worker sends; 0 = as they are
}

/** The options that mean something to a rule, beside those that all have. */
const optionsOf: Readonly<Record<AggregationKind, readonly string[]>> = {
  mean: [],
  median: ['bucketSize'],
  'trimmed-mean': ['attackers', 'bucketSize'],
  krum: ['attackers', 'bucketSize'],
  'multi-krum': ['attackers', 'bucketSize'],
  'geometric-median': ['bucketSize'],
  'centered-clipping': ['radius', 'bucketSize'],
};

const common = ['clipTensors', 'aligned', 'workerMomentum'];

const object = z
  .strictObject({
    kind: z.enum(kinds),
    attackers: z.number().min(0).lt(0.5).optional(),
    radius: z.number().positive().max(100).optional(),
    bucketSize: z.int().min(1).max(100).optional(),
    clipTensors: z.boolean().optional(),
    aligned: z.boolean().optional(),
    workerMomentum: z.number().min(0).lt(1).optional(),
  })
  .superRefine((written, context) => {
    const allowed = ['kind', ...optionsOf[written.kind], ...common];
    const strange = Object.keys(written).find((key) => !allowed.includes(key));
    if (strange === undefined) return;
    const message = `${written.kind} has no such option; it has ${allowed.slice(1).join(', ')}`;
    context.addIssue({ code: 'custom', message, path: [strange] });
  });

/** 'robust' is the rule that withstands every attack of `npm run bench:attacks` best. */
export const aggregationSchema = z.union([z.enum([...kinds, 'robust']), object]);

export type Aggregation = z.infer<typeof aggregationSchema>;
type Written = z.infer<typeof object>;

const robust: Written = { kind: 'centered-clipping', clipTensors: true, aligned: true };

/** What was written, with every default filled in. */
export function aggregationSettings(aggregation: Aggregation): AggregationSettings {
  const { kind, attackers, radius, bucketSize, clipTensors, aligned, workerMomentum } = written(aggregation);
  return {
    kind,
    attackers: attackers ?? 0.2,
    radius: radius ?? 1,
    bucketSize: bucketSize ?? 1,
    clipTensors: clipTensors ?? false,
    aligned: aligned ?? false,
    workerMomentum: workerMomentum ?? 0,
  };
}

function written(aggregation: Aggregation): Written {
  if (aggregation === 'robust') return robust;
  return typeof aggregation === 'string' ? { kind: aggregation } : aggregation;
}
