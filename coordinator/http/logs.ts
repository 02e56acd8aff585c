// The log of a job, as lines or as a stream of server-sent events that can be resumed.

import { Hono } from 'hono';
import { z } from 'zod';
import { jobId, logsQuery } from '../../shared/api/schemas.ts';
import { room } from '../cluster/room/rooms.ts';
import { parseRequest, pathOf, queryOf } from './app.ts';
import type { App } from './app.ts';

const lastEventId = z.coerce.number().int().min(0).default(0);

/** Mounted at /jobs. */
export const logRoutes = new Hono<App>().get('/:id/logs', async (c) => {
  const { follow, after } = queryOf(c, logsQuery);
  const from = after ?? parseRequest(lastEventId, c.req.header('last-event-id'), 'last-event-id');
  const target = room(c.env, pathOf(c, 'id', jobId));
  return follow === '1' ? target.followLog(from) : c.json({ lines: await target.logLines(from) });
});
