// PeerJS's signalling protocol as the unmodified PeerJS 1.5 client speaks it: JSON text, no acknowledgements.

import { z } from 'zod';
import { LoomError } from '../../shared/errors.ts';
import { peerId } from '../../shared/protocol/messages.ts';

/** An SDP with many candidates has about 10 kB. */
export const maxSignalBytes = 64 * 1024;

/** What a client sends every 5 s; answered with the same text, which it ignores, so that the object may sleep. */
export const heartbeat = '{"type":"HEARTBEAT"}';

export const clientQuery = z.object({ key: z.string(), id: peerId, token: z.string().min(1).max(256) });
export type SignalClient = Omit<z.infer<typeof clientQuery>, 'key'>;

const clientSignal = z.discriminatedUnion('type', [
  z.object({ type: z.literal('HEARTBEAT') }),
  z.object({ type: z.enum(['OFFER', 'ANSWER', 'CANDIDATE', 'EXPIRE']), dst: peerId, payload: z.unknown().optional() }),
  z.object({ type: z.literal('LEAVE'), dst: peerId.optional(), payload: z.unknown().optional() }),
]);
export type ClientSignal = z.infer<typeof clientSignal>;

export type ServerSignal =
  | { type: 'OPEN' }
  | { type: 'ERROR' | 'ID-TAKEN' | 'INVALID-KEY'; payload: { msg: string } }
  | { type: 'OFFER' | 'ANSWER' | 'CANDIDATE' | 'LEAVE' | 'EXPIRE'; src: string; dst: string; payload?: unknown };

/** @throws LoomError `message_too_large` or `invalid_message` */
export function parseSignal(data: string | ArrayBuffer): ClientSignal {
  if (typeof data !== 'string') throw new LoomError('invalid_message', 'binary data', { allowed: 'JSON text' });
  if (data.length > maxSignalBytes)
    throw new LoomError('message_too_large', 'the signal is too large', { allowed: `${maxSignalBytes} bytes` });
  try {
    return clientSignal.parse(JSON.parse(data));
  } catch (cause) {
    throw new LoomError('invalid_message', 'not a PeerJS message', { cause });
  }
}
