// A request that says with which fence its sender leads is carried out only while that is so.

import { createMiddleware } from 'hono/factory';
import { fenceHeader } from '../../shared/api/leadership.ts';
import { elections } from '../cluster/leadership/election-office.ts';
import type { App } from './app.ts';

export const fenced = createMiddleware<App>(async (c, next) => {
  if (c.req.header(fenceHeader) === undefined) return next();
  return elections(c.env).carryOut(c.req.raw);
});
