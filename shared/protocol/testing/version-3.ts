// What workers of protocol 3 understood, frozen: their schemas refuse every field and type that came later. Never change this.
// Only names are compared: what they hold, today's schemas check.

import { z } from 'zod';
import { parseRoomMessage } from '../messages.ts';
import type { RoomMessage } from '../messages.ts';
import { keys, message as of } from './keys.ts';

const contributions = z.array(keys('workerId hash bytes tokens folds staleness'));
const closed = keys('round stateHash learningRate', { accepted: contributions });
const catchUp = { checkpoint: keys('round stateHash bytes').nullable(), log: z.array(closed) };
const peers = z.array(keys('workerId peerId kind adapter group'));
const assigned = 'round slot seed steps learningRate';

const roomMessage = z.union([
  of('welcome', 'version workerId jobId round stateHash topology', { ...catchUp, peers }),
  of('peers', 'topology', { peers }),
  of('assign', '', { assignment: keys(`${assigned} evaluate deadlineMs segments`) }),
  of('committed', 'round', { contributions }),
  of('measure', 'round seed tokens', { contributions }),
  of('audit', '', { audits: z.array(keys(`${assigned} hash`)) }),
  of('confirm', 'fence round'),
  of('standing', 'state reason'),
  of('fold', 'round node', { inputs: contributions }),
  of('sum', 'round node segment segments pieces', { inputs: contributions }),
  of('join', 'round node folds', { sums: z.array(keys('workerId hash')) }),
  of('close', '', { closed }),
  of('agreed', 'round stateHash'),
  of('checkpointed', '', { checkpoint: keys('round stateHash bytes') }),
  of('resync', 'reason round stateHash', catchUp),
  of('relay', 'round hashes'),
  of('lease', '', { lease: keys('kind fence round expiresMs') }),
  of('released'),
  of('finish', 'state reason'),
  of('refused', 'code message where allowed'),
]);

/** Throws at what a worker of protocol 3 would not have understood. */
export function parseRoomMessage3(text: string): RoomMessage {
  roomMessage.parse(JSON.parse(text));
  return parseRoomMessage(text);
}

/** The fields of a manifest that workers of protocol 3 knew. */
export const manifest3 = keys('apiVersion kind metadata', {
  spec: keys('algorithm model adapter data precision resources verification seed', {
    optimizer: keys(
      'kind learningRate batchSize accumulate weightDecay momentum beta1 beta2 epsilon dropout gradientClip warmup decay',
    ),
    rounds: keys(
      'exchange innerSteps warmup fragments overlap outerLearningRate outerMomentum compression topology aggregation quorum staleness',
    ),
    runtime: keys('maxDuration maxTokens checkpointInterval recompute'),
  }),
});
