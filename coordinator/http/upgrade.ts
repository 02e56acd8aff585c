// Routes that are WebSockets and nothing else.

import { createMiddleware } from 'hono/factory';
import { LoomError } from '../../shared/errors.ts';
import type { App } from './app.ts';

/** Browsers always say where a page comes from: another site's page may not open sockets here. */
export const requireUpgrade = createMiddleware<App>(async (c, next) => {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    throw new LoomError('invalid_request', 'this is a WebSocket', { where: 'upgrade', allowed: 'Upgrade: websocket' });
  }
  const origin = c.req.header('origin');
  if (origin !== undefined && URL.parse(origin)?.host !== new URL(c.req.url).host) {
    throw new LoomError('forbidden', 'a page of another site', { where: 'origin', allowed: new URL(c.req.url).origin });
  }
  await next();
});
