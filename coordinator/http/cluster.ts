// The whole cluster at a glance.

import { and, count, gt, isNull, sum } from 'drizzle-orm';
import { Hono } from 'hono';
import type { ClusterStatus } from '../../shared/api/schemas.ts';
import { jobState } from '../../shared/api/schemas.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';
import { database } from '../db/database.ts';
import { jobs, workers } from '../db/schema.ts';
import { readRoot } from '../ledger/append.ts';
import type { Env } from '../env.ts';
import type { App } from './app.ts';
import { metricsText, metricsType } from './metrics-text.ts';

/** A worker that has no job asks for one more often than this. */
const presentMs = 60_000;

export const clusterRoutes = new Hono<App>()
  .get('/status', async (c) => c.json(await statusOf(c.env)))
  .get('/metrics', async (c) => c.text(metricsText(await statusOf(c.env)), 200, { 'content-type': metricsType }));

async function statusOf(env: Env): Promise<ClusterStatus> {
  const db = database(env.DB);
  const [byState, [seen], root] = await Promise.all([
    db
      .select({
        state: jobs.state,
        jobs: count(),
        present: sum(jobs.workersPresent).mapWith(Number),
        speed: sum(jobs.tokensPerSecond).mapWith(Number),
      })
      .from(jobs)
      .groupBy(jobs.state),
    db
      .select({ idle: count() })
      .from(workers)
      .where(and(isNull(workers.jobId), gt(workers.seenAt, Date.now() - presentMs))),
    readRoot(db),
  ]);
  const active = byState.filter(({ state }) => state === 'running' || state === 'finishing');
  const training = active.reduce((total, { present }) => total + present, 0);
  const waiting = byState.filter(({ state }) => state === 'waiting');
  const present = waiting.reduce((total, row) => total + row.present, training + (seen?.idle ?? 0));
  return {
    version: env.LOOMOS_VERSION,
    protocolVersion,
    jobs: Object.fromEntries(
      jobState.options.map((state) => [state, byState.find((row) => row.state === state)?.jobs ?? 0]),
    ) as ClusterStatus['jobs'],
    workers: { present, training },
    tokensPerSecond: active.reduce((total, { speed }) => total + speed, 0),
    ledger: root,
  };
}
