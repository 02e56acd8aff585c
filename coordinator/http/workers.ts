// Workers: registering one, listing them, and what one should do now.

import { desc, gt } from 'drizzle-orm';
import { Hono } from 'hono';
import { registerWorker, versionHeader } from '../../shared/api/schemas.ts';
import type { RegisteredWorker, Work, WorkerView } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import { chooseVersion, rangeOf, roomSpeaks, unspoken } from '../../shared/protocol/version.ts';
import { database } from '../db/database.ts';
import { workers } from '../db/schema.ts';
import { ledger } from '../ledger/writer.ts';
import { workFor } from '../scheduler/queue.ts';
import { randomName } from '../security/ids.ts';
import { signToken, workerTokenLifetimeMs } from '../security/token.ts';
import { jsonOf } from './app.ts';
import type { App } from './app.ts';
import { requireWorker, secretOf } from './auth.ts';

const maxBodyBytes = 4096;
/** A worker is listed for so long after it was last heard of. */
const listedMs = 24 * 3600_000;

export const workerRoutes = new Hono<App>()
  .post('/', async (c) => {
    const secret = secretOf(c.env);
    const { kind, adapter, name = '', ...versions } = await jsonOf(c.req.raw, registerWorker, maxBodyBytes);
    const range = rangeOf(versions);
    if (chooseVersion(range, roomSpeaks) === null) throw LoomError.from({ ...unspoken(range), where: 'body.version' });
    const [id, now] = [`w-${randomName(12)}`, Date.now()];
    await database(c.env.DB).insert(workers).values({ id, kind, adapter, name, seenAt: now });
    await ledger(c.env).append([
      {
        key: `${id}/registered`,
        event: { type: 'worker.registered', version: 1, subject: id, data: { kind, adapter } },
      },
    ]);
    const token = await signToken(secret, { use: 'worker', sub: id, kind, exp: now + workerTokenLifetimeMs });
    return c.json<RegisteredWorker>({ workerId: id, token }, 201);
  })
  .get('/', async (c) => {
    const since = Date.now() - listedMs;
    const rows = await database(c.env.DB)
      .select()
      .from(workers)
      .where(gt(workers.seenAt, since))
      .orderBy(desc(workers.seenAt))
      .limit(1000);
    return c.json({ workers: rows.map(({ id, ...row }): WorkerView => ({ workerId: id, ...row })) });
  })
  .get('/me/work', requireWorker, async (c) => {
    const version = Number(c.req.header(versionHeader) ?? 1);
    return c.json<Work>(await workFor(database(c.env.DB), { workerId: c.var.worker.sub, version }, Date.now()));
  });
