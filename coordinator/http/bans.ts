// Bans: which workers may take part in no job, and letting one back in. Both are the owner's.

import { Hono } from 'hono';
import type { BanView } from '../../shared/api/schemas.ts';
import { workerId } from '../../shared/protocol/messages.ts';
import { database } from '../db/database.ts';
import { ledger } from '../ledger/writer.ts';
import { findBan, listBans } from '../market/reputation.ts';
import { pathOf } from './app.ts';
import type { App } from './app.ts';
import { requireOwner } from './auth.ts';

export const banRoutes = new Hono<App>()
  .get('/', requireOwner, async (c) => c.json({ bans: await listBans(database(c.env.DB), Date.now()) }))
  .delete('/:id', requireOwner, async (c) => {
    const id = pathOf(c, 'id', workerId);
    const ban = await findBan(database(c.env.DB), id, Date.now());
    const event = { type: 'worker.pardoned', version: 1, subject: id, data: { jobId: ban.jobId } } as const;
    await ledger(c.env).append([{ key: `${id}/pardoned/${ban.since}`, event }]);
    return c.json<BanView>({ workerId: id, ...ban });
  });
