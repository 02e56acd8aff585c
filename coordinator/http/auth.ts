// Who is calling: a job's owner with the coordinator's owner token, or a worker with the token it was registered with. Both
// come as `Authorization: Bearer …`.

import { createMiddleware } from 'hono/factory';
import { LoomError } from '../../shared/errors.ts';
import type { Env } from '../env.ts';
import { secretsEqual } from '../security/compare.ts';
import { verifyToken } from '../security/token.ts';
import type { App } from './app.ts';

export const requireOwner = createMiddleware<App>(async (c, next) => {
  const expected = c.env.LOOMOS_OWNER_TOKEN;
  if (!expected)
    throw new LoomError('unauthorized', 'this coordinator has no owner token, so nobody may submit', {
      where: 'LOOMOS_OWNER_TOKEN',
      allowed: 'wrangler secret put LOOMOS_OWNER_TOKEN',
    });
  if (!secretsEqual(bearer(c.req.header('authorization')), expected)) {
    throw new LoomError('unauthorized', 'not the owner token of this coordinator', {
      where: 'authorization',
      allowed: 'Bearer OWNER_TOKEN',
    });
  }
  await next();
});

export const requireWorker = createMiddleware<App>(async (c, next) => {
  c.set('worker', await verifyToken(secretOf(c.env), bearer(c.req.header('authorization')), Date.now()));
  await next();
});

/** The secret that signs worker tokens. @throws LoomError `unavailable` when none is configured. */
export function secretOf(env: Env): string {
  if (env.LOOMOS_SECRET) return env.LOOMOS_SECRET;
  throw new LoomError('unavailable', 'this coordinator cannot register workers: it has no secret to sign tokens with', {
    where: 'LOOMOS_SECRET',
    allowed: 'wrangler secret put LOOMOS_SECRET',
  });
}

function bearer(header: string | undefined): string {
  const token = /^Bearer ([^\s]{1,4096})$/.exec(header ?? '')?.[1];
  if (token === undefined)
    throw new LoomError('unauthorized', 'no token', { where: 'authorization', allowed: 'Bearer TOKEN' });
  return token;
}
