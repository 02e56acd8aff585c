// Worker tokens: `claims.signature`, both base64url, signed with HMAC-SHA-256 over the claims' text. Stateless, so that any
// Worker isolate and any Durable Object checks one without a look-up.

import { z } from 'zod';
import { utf8 } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import { workerId } from '../../shared/protocol/messages.ts';

const claims = z.strictObject({
  use: z.literal('worker'),
  sub: workerId,
  kind: z.enum(['page', 'node']),
  exp: z.int(), // unix milliseconds
});

export type WorkerClaims = z.infer<typeof claims>;

export const workerTokenLifetimeMs = 30 * 24 * 3600_000;

export async function signToken(secret: string, value: WorkerClaims): Promise<string> {
  const text = encode(utf8(JSON.stringify(value)));
  const signature = await crypto.subtle.sign('HMAC', await keyOf(secret), utf8(text));
  return `${text}.${encode(new Uint8Array(signature))}`;
}

/**
 * The claims of a token this coordinator signed.
 * @throws LoomError `unauthorized` for a malformed, forged or expired one; the message does not say which part was wrong.
 */
export async function verifyToken(secret: string, token: string, now: number): Promise<WorkerClaims> {
  const [text = '', signature = '', ...rest] = token.split('.');
  const bytes = decode(signature);
  const genuine =
    rest.length === 0 && bytes !== null && (await crypto.subtle.verify('HMAC', await keyOf(secret), bytes, utf8(text)));
  if (!genuine)
    throw new LoomError('unauthorized', 'this coordinator did not issue that worker token', {
      allowed: 'a token from POST /api/v1/workers',
    });
  const value = claims.parse(JSON.parse(new TextDecoder().decode(decode(text) ?? undefined)));
  if (value.exp <= now)
    throw new LoomError('unauthorized', 'the worker token has expired', {
      allowed: 'a new one from POST /api/v1/workers',
    });
  return value;
}

function keyOf(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', utf8(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function decode(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    return null;
  }
}
