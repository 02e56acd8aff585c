// The job manifest: what a job owner writes in YAML. One schema serves CLI, SDK and coordinator; every field has a default
// or is required here and nowhere else. Unknown fields are errors, because a misspelt option must not be ignored.

import { z } from 'zod';
import { LoomError } from '../errors.ts';
import { adapterSchema } from './adapter.ts';
import { aggregationSchema } from './aggregation.ts';
import { compressionSchema } from './compression.ts';
import { duration } from './duration.ts';
import { exchangeFault, exchangeSchema } from './exchange.ts';
import { describeIssue } from './fault.ts';
import { modelSchema } from './model.ts';
import { optimizerSchema } from './optimizer.ts';
import { topologySchema, topologySettings } from './topology.ts';
import { withUsual } from './usual-rounds.ts';
import { isRepeatable, verificationSchema } from './verification.ts';
import type { Verification } from './verification.ts';
import { tooManyFor, workersSchema } from './workers.ts';

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1-63 lower-case letters, digits and inner dashes');

const dataSource = z
  .string()
  .max(2048)
  .regex(/^(npm:|file:|https:\/\/|dataset:)./, 'must begin with npm:, file:, https:// or dataset:');

const rounds = z.strictObject({
  exchange: exchangeSchema.default('differences'), // what workers send each other
  innerSteps: z.int().min(1).max(10000).optional(), // local steps of the fastest worker; usual-rounds.ts has the default
  warmup: z
    .strictObject({
      rounds: z.int().min(1).max(100_000), // first rounds, in which the local steps grow geometrically to innerSteps
      innerSteps: z.int().min(1).max(10000).default(1), // of round 0
    })
    .optional(),
  fragments: z.int().min(1).max(64).default(1), // parts of whole layers, of which a round exchanges one, in turns
  overlap: z.boolean().default(false), // each worker trains for the next fragment while this one is exchanged
  outerLearningRate: z.number().positive().max(10).default(1), // on the averaged difference
  outerMomentum: z.number().min(0).lt(1).default(0), // Nesterov, on what a round comes to; 0 = none
  compression: compressionSchema.optional(), // of what workers exchange; usual-rounds.ts has the default
  topology: topologySchema.default('auto'), // who exchanges with whom
  aggregation: aggregationSchema.optional(), // of a round's differences; usual-rounds.ts has the default
  quorum: z.number().min(0).max(1).default(0.5), // fraction of participants whose work a round waits for beyond its deadline; with staleness at all
  staleness: z.int().min(0).max(8).default(0), // rounds by which accepted work may be late; 0 = all train from the same state
});

type Rounds = z.output<typeof rounds>;

/** Why so many fragments make no sense; null when they do. */
function fragmentsFault(fragments: number, verification: Verification, layers: number): string | null {
  if (fragments === 1) return null;
  if (isRepeatable(verification))
    return 'must be 1 with audits: parameters that a worker keeps from round to round cannot be computed again';
  return fragments > layers ? `must be at most the model's layers, ${layers}` : null;
}

/** What overlapping needs; null when it is there. */
function overlapFault({ overlap, fragments, staleness }: Rounds): string | null {
  if (!overlap) return null;
  if (staleness > 0) return 'must be false with staleness, which trains beside the exchange already';
  return fragments > 1 ? null : 'needs fragments of 2 or more: with one, training waits for what the round changes';
}

/** What cannot go with staleness; null when nothing speaks against it. */
function stalenessFault(verification: Verification, { staleness, topology, fragments }: Rounds): string | null {
  if (staleness === 0) return null;
  const { kind } = topologySettings(topology);
  if (verification !== 'none') return 'must be 0 with verification, which compares work on the same state';
  if (fragments > 1)
    return "must be 0 with fragments: rounds that exchange different parts cannot take each other's work";
  return kind === 'auto' || kind === 'mesh' ? null : `must be 0 in ${kind}: everyone has to see every contribution`;
}

const spec = z
  .strictObject({
    algorithm: z.literal('lm'),
    model: modelSchema,
    adapter: adapterSchema.optional(), // without, all of the model is trained
    data: z.strictObject({ source: dataSource, validationFraction: z.number().min(0.001).max(0.5).default(0.1) }),
    optimizer: optimizerSchema.prefault({}),
    precision: z.enum(['f32', 'f16']).default('f32'), // of products and what they hand on, where a worker's GPU has f16; all else is f32
    rounds: rounds.prefault({}),
    resources: z
      .strictObject({
        workers: workersSchema.prefault({}),
      })
      .prefault({}),
    runtime: z
      .strictObject({
        maxDuration: duration.optional(), // ms after the first round opened
        maxTokens: z.int().min(1).max(1e15).optional(),
        checkpointInterval: duration.default(60_000),
        recompute: z.boolean().default(false), // inner values of the layers again in the backward pass: less memory, a third more work
      })
      .refine((runtime) => runtime.maxDuration !== undefined || runtime.maxTokens !== undefined, {
        message: 'needs maxDuration or maxTokens, or the job would never end',
      }),
    verification: verificationSchema.default('none'), // how far the workers are trusted
    seed: z.uint32().default(1),
  })
  .superRefine(({ verification, rounds: { topology } }, context) => {
    const { kind } = topologySettings(topology);
    if (verification === 'none' || kind === 'auto' || kind === 'mesh') return;
    const message = `verification needs everyone to see every contribution; ${kind} does not show them, mesh and auto do`;
    context.addIssue({ code: 'custom', message, path: ['verification'] });
  })
  .superRefine(({ verification, model, rounds: { fragments } }, context) => {
    const message = fragmentsFault(fragments, verification, 'layers' in model ? model.layers : 64);
    if (message !== null) context.addIssue({ code: 'custom', message, path: ['rounds', 'fragments'] });
  })
  .superRefine(({ resources: { workers }, rounds: { topology }, verification }, context) => {
    const message = tooManyFor(workers.max, topology, verification);
    if (message !== null) context.addIssue({ code: 'custom', message, path: ['resources', 'workers', 'max'] });
  })
  .superRefine(({ verification, rounds }, context) => {
    const message = stalenessFault(verification, rounds);
    if (message !== null) context.addIssue({ code: 'custom', message, path: ['rounds', 'staleness'] });
    const overlapping = overlapFault(rounds);
    if (overlapping !== null) context.addIssue({ code: 'custom', message: overlapping, path: ['rounds', 'overlap'] });
  })
  .superRefine((choices, context) => {
    const fault = exchangeFault(choices);
    if (fault !== null) context.addIssue({ code: 'custom', ...fault });
  })
  .transform(({ rounds: written, ...rest }) => ({ ...rest, rounds: withUsual(written, rest.verification) }));

const manifestSchema = z.strictObject({
  apiVersion: z.literal('loomos.ai/v1'),
  kind: z.literal('TrainingJob'),
  metadata: z.strictObject({ name, labels: z.record(z.string().max(63), z.string().max(255)).default({}) }),
  spec,
});

/** A whole manifest with every default filled in; durations are milliseconds. */
export type Manifest = z.infer<typeof manifestSchema>;
/** What an owner may write: defaults omitted, durations as text. */
export type ManifestInput = z.input<typeof manifestSchema>;

/**
 * Parses a manifest given as plain data (YAML or JSON already read). Parsing its own output again changes nothing.
 * @throws LoomError `invalid_manifest` with the path of the first wrong field, what is wrong and what is allowed.
 */
export function parseManifest(value: unknown): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const { message, ...details } = describeIssue(result.error.issues[0]!, manifestSchema, value);
  throw new LoomError('invalid_manifest', message, details);
}
