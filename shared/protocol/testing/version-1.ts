// What workers of protocol 1 understood, frozen: their schemas refuse every field and type that came later. Never change this.

import { z } from 'zod';
import { hash, peerId, workerId } from '../messages.ts';
import type { RoomMessage } from '../messages.ts';
import { keys } from './keys.ts';

const count = z.int().min(0);
const accepted = z.strictObject({ workerId, hash, bytes: count, tokens: count });
const closed = z.strictObject({ round: count, accepted: z.array(accepted), stateHash: hash.nullable() });
const peers = z.array(
  z.strictObject({ workerId, peerId, kind: z.enum(['page', 'node']), adapter: z.string().max(200) }),
);
const checkpoint = z.strictObject({ round: count, stateHash: hash, bytes: count });
const standing = {
  round: count,
  stateHash: hash.nullable(),
  checkpoint: checkpoint.nullable(),
  log: z.array(closed),
};
const assignment = z.strictObject({
  round: count,
  slot: count,
  seed: z.uint32(),
  steps: z.int().min(1),
  learningRate: z.number().min(0),
  evaluate: z.boolean(),
  deadlineMs: count,
});
const lease = z.strictObject({
  kind: z.enum(['checkpoint', 'artifact']),
  fence: count,
  round: count,
  expiresMs: count,
});

const roomMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('welcome'),
    version: z.literal(1),
    workerId,
    jobId: z.string(),
    ...standing,
    peers,
  }),
  z.strictObject({ type: z.literal('peers'), peers }),
  z.strictObject({ type: z.literal('assign'), assignment }),
  z.strictObject({ type: z.literal('committed'), round: count, contribution: accepted }),
  z.strictObject({ type: z.literal('close'), closed }),
  z.strictObject({ type: z.literal('agreed'), round: count, stateHash: hash }),
  z.strictObject({ type: z.literal('checkpointed'), checkpoint }),
  z.strictObject({ type: z.literal('resync'), reason: z.string(), ...standing }),
  z.strictObject({ type: z.literal('relay'), round: count, hashes: z.array(hash) }),
  z.strictObject({ type: z.literal('lease'), lease }),
  z.strictObject({
    type: z.literal('finish'),
    state: z.enum(['completed', 'failed', 'cancelled']),
    reason: z.string(),
  }),
  z.strictObject({
    type: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    where: z.string().optional(),
    allowed: z.string().optional(),
  }),
]);

export type RoomMessage1 = z.infer<typeof roomMessage>;

/** Throws at what a worker of protocol 1 would not have understood. */
export function parseRoomMessage1(text: string): RoomMessage1 {
  return roomMessage.parse(JSON.parse(text));
}

/** The same in today's words, so that a test's worker needs to know only those. */
export function inTodaysWords(message: RoomMessage1): RoomMessage {
  if (message.type === 'welcome' || message.type === 'peers') {
    return { ...message, topology: 'mesh', peers: message.peers.map((peer) => ({ ...peer, group: 0 })) };
  }
  if (message.type !== 'committed') return message;
  return { type: message.type, round: message.round, contributions: [message.contribution] };
}

const any = z.unknown();
/** The fields of a manifest that workers of protocol 1 knew. */
export const manifest1 = z.strictObject({
  apiVersion: any,
  kind: any,
  metadata: keys('name labels'),
  spec: z.strictObject({
    algorithm: any,
    model: keys('kind layers heads width context tokenizer positions norm'),
    data: keys('source validationFraction'),
    optimizer: keys('kind learningRate batchSize weightDecay beta1 beta2 epsilon gradientClip warmup decay'),
    rounds: keys('innerSteps warmup outerLearningRate outerMomentum compression aggregation quorum'),
    resources: keys('workers'),
    runtime: keys('maxDuration maxTokens checkpointInterval'),
    seed: any,
  }),
});
