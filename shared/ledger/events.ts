// Everything that happened, in the past tense. An event is written once, hashed into the Merkle log and never changed; state
// shown anywhere is a fold over events. `version` belongs to the type: a new meaning gets a new version, old ones still parse.

import { z } from 'zod';
import { hash } from '../protocol/messages.ts';

const count = z.int().min(0);
const event = <T extends string, S extends z.ZodRawShape>(type: T, data: S) =>
  z.strictObject({ type: z.literal(type), version: z.literal(1), subject: z.string(), data: z.strictObject(data) });

const contributions = z.array(
  z.strictObject({ workerId: z.string(), hash, tokens: count, bytes: count, staleness: count.optional() }),
);

/** What a writer hands in. `subject` is the id of the job, worker or dataset that the event is about. */
export const ledgerEventDraft = z.discriminatedUnion('type', [
  event('job.submitted', { name: z.string(), manifestHash: hash, datasetHash: hash, owner: z.string() }),
  event('job.started', { workers: count }),
  event('job.finished', {
    state: z.enum(['completed', 'failed', 'cancelled']),
    reason: z.string(),
    rounds: count,
    tokens: count,
  }),
  event('worker.registered', { kind: z.enum(['page', 'node']), adapter: z.string() }),
  event('worker.joined', { workerId: z.string(), kind: z.enum(['page', 'node']), adapter: z.string(), round: count }),
  event('worker.left', { workerId: z.string(), reason: z.string(), round: count }),
  // Of a round that is closed by the next `round.closed`: contributions and participants of which that one has no more room.
  event('round.credited', { round: count, accepted: contributions, late: z.array(z.string()) }),
  event('round.closed', {
    round: count,
    accepted: contributions,
    credited: z.strictObject({ events: count, accepted: count, late: count }).optional(), // what `round.credited` listed before
    applied: z
      .array(z.strictObject({ workerId: z.string(), hash, tokens: count, bytes: count, folds: count.optional() }))
      .optional(), // what workers apply for it, where groups made one payload of several
    learningRate: z.number().optional(), // of the step that all take together, where gradients are exchanged
    late: z.array(z.string()), // participants whose work was not in
    trainLoss: z.number().nullable(),
    validationLoss: z.number().nullable(),
  }),
  event('contribution.refused', {
    round: count,
    workerId: z.string(),
    hash,
    finding: z.enum(['useless', 'harmful', 'quarantined']),
    improvement: z.number().nullable(), // of the loss on held-out text, nats per token
  }),
  event('shard.audited', {
    round: count,
    workerId: z.string(),
    auditor: z.string(),
    cosine: z.number().nullable(), // null: the auditor could not compute it
    isSame: z.boolean().nullable(),
  }),
  event('worker.quarantined', { workerId: z.string(), reason: z.string(), round: count }),
  event('worker.released', { workerId: z.string(), round: count }),
  event('worker.banned', { workerId: z.string(), reason: z.string(), round: count }),
  event('worker.pardoned', { jobId: z.string() }), // by the owner: the ban from that job is lifted
  event('round.agreed', { round: count, stateHash: hash, reports: count, dissent: count }), // state after round
  event('round.rewound', { from: count, to: count, reason: z.string() }),
  event('checkpoint.stored', { round: count, stateHash: hash, bytes: count, workerId: z.string() }),
  event('checkpoint.refused', { round: count, workerId: z.string(), reason: z.string() }),
  event('artifact.stored', {
    round: count,
    stateHash: hash,
    bytes: count,
    workerId: z.string(),
    validationLoss: z.number(),
  }),
  event('leader.elected', { nodeId: z.string(), fence: count }),
  event('leader.resigned', { nodeId: z.string(), fence: count, reason: z.enum(['expired', 'yielded', 'left']) }),
  event('dataset.stored', { bytes: count, source: z.string() }),
]);

export type LedgerEventDraft = z.infer<typeof ledgerEventDraft>;

/** A stored event. `leafHash` = SHA-256(0x00 ‖ canonical JSON of the event without leafHash), RFC 9162. */
export type LedgerEvent = LedgerEventDraft & { seq: number; at: number; leafHash: string };
