// The ledger, for anyone to read and to verify.

import { Hono } from 'hono';
import { ledgerQuery } from '../../shared/api/schemas.ts';
import { database } from '../db/database.ts';
import { readRoot } from '../ledger/append.ts';
import { queryEvents } from '../ledger/query.ts';
import { queryOf } from './app.ts';
import type { App } from './app.ts';

export const ledgerRoutes = new Hono<App>()
  .get('/events', async (c) => c.json({ events: await queryEvents(database(c.env.DB), queryOf(c, ledgerQuery)) }))
  .get('/root', async (c) => c.json(await readRoot(database(c.env.DB))));
