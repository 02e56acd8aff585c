// The door of a room or a gate: what comes in over a socket is limited, parsed and, once, identified by its token, or refused with a
// LoomError. Nothing behind the door sees an unparsed message.

import { z } from 'zod';
import { LoomError } from '../../../shared/errors.ts';
import { hello, maxMessageBytes, parseWorkerMessage, protocolVersion } from '../../../shared/protocol/messages.ts';
import { chooseVersion, rangeOf, roomSpeaks, unspoken } from '../../../shared/protocol/version.ts';
import type { WorkerMessage } from '../../../shared/protocol/messages.ts';
import { take } from '../../security/bucket.ts';
import type { Bucket } from '../../security/bucket.ts';
import { verifyToken } from '../../security/token.ts';
import type { Sockets } from './sockets.ts';

/** A worker says a few messages a round and peer; this leaves room for a burst after a long absence. */
const messageRate = { perSecond: 20, burst: 500 };
/** Who keeps saying what has to be refused is cut off. */
const refusalRate = { perSecond: 0.1, burst: 20 };

/** Refusals after which the socket is closed: the sender cannot do better on this one. */
const fatal: ReadonlySet<string> = new Set([
  'unauthorized',
  'unsupported_version',
  'message_too_large',
  'rate_limited',
]);

export interface Admitted {
  workerId: string;
  message: WorkerMessage;
}

export class Door {
  readonly #sockets: Sockets;
  readonly #isOurs: (workerId: string) => boolean;
  readonly #messages = new WeakMap<WebSocket, Bucket>();
  readonly #refusals = new WeakMap<WebSocket, Bucket>();

  /** @param isOurs whether a worker belongs at this door */
  constructor(sockets: Sockets, isOurs: (workerId: string) => boolean) {
    this.#sockets = sockets;
    this.#isOurs = isOurs;
  }

  /** @throws LoomError that the sender is answered with. */
  async admit(socket: WebSocket, data: string | ArrayBuffer, secret: string, now: number): Promise<Admitted> {
    this.#limit(socket, now);
    const message = parse(data);
    const known = this.#sockets.workerOf(socket);
    if (message.type !== 'hello') {
      if (known === null)
        throw new LoomError('unauthorized', 'the first message must be a hello with a token', {
          where: 'type',
          allowed: 'hello',
        });
      this.#sockets.heard(socket, now);
      return { workerId: known, message };
    }
    if (known !== null) throw new LoomError('invalid_message', 'hello is said once a connection', { where: 'type' });
    const { sub: workerId } = await verifyToken(secret, message.token, now);
    if (!this.#isOurs(workerId))
      throw new LoomError('invalid_message', 'the token is that of another worker than the address names', {
        where: 'token',
        allowed: `?worker=${workerId} in the address`,
      });
    return { workerId, message };
  }

  /** Whether a refusal ends the connection: the sender cannot do better on this one, or does not learn. */
  isLast(socket: WebSocket, error: LoomError, now: number): boolean {
    const bucket = take(this.#refusals.get(socket) ?? null, refusalRate, now);
    if (bucket !== null) this.#refusals.set(socket, bucket);
    return bucket === null || fatal.has(error.code) || this.#sockets.workerOf(socket) === null;
  }

  #limit(socket: WebSocket, now: number): void {
    const bucket = take(this.#messages.get(socket) ?? null, messageRate, now);
    if (bucket === null) {
      const allowed = `${messageRate.perSecond} a second`;
      throw new LoomError('rate_limited', 'too many messages', { allowed });
    }
    this.#messages.set(socket, bucket);
  }
}

function parse(data: string | ArrayBuffer): WorkerMessage {
  if (typeof data !== 'string') {
    throw new LoomError('invalid_message', 'binary data; tensors travel between peers only', {
      where: 'message',
      allowed: 'JSON text',
    });
  }
  const later = laterHello(data);
  const message = later ?? parseWorkerMessage(data);
  if (message.type === 'hello' && chooseVersion(rangeOf(message), roomSpeaks) === null)
    throw LoomError.from(unspoken(rangeOf(message)));
  return message;
}

/** Fields of a hello that any version has, whatever else it says. */
const anyHello = z.object({ type: z.literal('hello'), version: z.int(), oldest: z.int().optional() });
const knownHello = z.object(hello.shape);

/**
 * A hello of a later version may say more than ours; what we know of it counts if we share a version.
 * @throws LoomError `unsupported_version`; null for every other message
 */
function laterHello(text: string): WorkerMessage | null {
  if (text.length > maxMessageBytes || !text.includes('"hello"')) return null;
  const said = parseText(text);
  const found = anyHello.safeParse(said);
  if (!found.success || found.data.version <= protocolVersion) return null;
  if (chooseVersion(rangeOf(found.data), roomSpeaks) === null) throw LoomError.from(unspoken(rangeOf(found.data)));
  return knownHello.safeParse(said).data ?? null;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
