// The door of a room: what comes in over a socket is limited, parsed and, once, identified by its token, or refused with a
// LoomError. Nothing behind the door sees an unparsed message.

import { LoomError } from '../../shared/errors.ts';
import { maxMessageBytes, parseWorkerMessage, protocolVersion } from '../../shared/protocol/messages.ts';
import type { WorkerMessage } from '../../shared/protocol/messages.ts';
import { take } from '../security/bucket.ts';
import type { Bucket } from '../security/bucket.ts';
import { verifyToken } from '../security/token.ts';
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
  readonly #messages = new WeakMap<WebSocket, Bucket>();
  readonly #refusals = new WeakMap<WebSocket, Bucket>();

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
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
  try {
    return checkVersion(parseWorkerMessage(data));
  } catch (error) {
    throw wrongVersion(data) ?? error;
  }
}

function checkVersion(message: WorkerMessage): WorkerMessage {
  if (message.type === 'hello' && message.version !== protocolVersion) throw unsupported(message.version);
  return message;
}

/** A hello of another version need not parse as one of ours; it is still told what is wrong. */
function wrongVersion(text: string): LoomError | null {
  if (text.length > maxMessageBytes) return null;
  const match = /^\s*\{[^{}]*"type"\s*:\s*"hello"/.test(text) ? /"version"\s*:\s*(\d{1,9})\b/.exec(text) : null;
  const version = Number(match?.[1] ?? protocolVersion);
  return version === protocolVersion ? null : unsupported(version);
}

function unsupported(version: number): LoomError {
  return new LoomError('unsupported_version', `this worker speaks protocol ${version}`, {
    where: 'version',
    allowed: String(protocolVersion),
  });
}
