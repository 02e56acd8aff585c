// Jobs: submit, list, look at, cancel. The room of a job knows it best while it runs; lists come from D1.

import { Hono } from 'hono';
import { jobId, listJobsQuery, roomQuery } from '../../shared/api/schemas.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { connectWorker, room } from '../cluster/room/rooms.ts';
import { database } from '../db/database.ts';
import { listJobs } from '../db/jobs.ts';
import { jobs } from '../db/schema.ts';
import type { Env } from '../env.ts';
import { randomName } from '../security/ids.ts';
import { pathOf, queryOf, textOf } from './app.ts';
import type { App } from './app.ts';
import { requireOwner } from './auth.ts';
import { readManifest } from './manifest.ts';
import { resolveDataset, resolveModel } from './source.ts';
import { requireUpgrade } from './upgrade.ts';

const maxManifestBytes = 64 * 1024;
/** There is one owner token, so there is one owner. */
const owner = 'owner';

export const jobRoutes = new Hono<App>()
  .post('/', requireOwner, async (c) => {
    const manifest = readManifest(await textOf(c.req.raw, maxManifestBytes));
    return c.json(await submit(c.env, manifest), 201);
  })
  .get('/', async (c) => {
    const { state, limit } = queryOf(c, listJobsQuery);
    return c.json({ jobs: await listJobs(database(c.env.DB), state, limit) });
  })
  .get('/:id', async (c) => c.json<JobView>(await room(c.env, pathOf(c, 'id', jobId)).view()))
  .post('/:id/cancel', requireOwner, async (c) =>
    c.json<JobView>(await room(c.env, pathOf(c, 'id', jobId)).cancel('cancelled by its owner')),
  )
  .post('/:id/restart', requireOwner, async (c) => {
    const { manifest } = await room(c.env, pathOf(c, 'id', jobId)).view();
    return c.json(await submit(c.env, parseManifest(manifest)), 201);
  })
  .get('/:id/metrics', async (c) => c.json(await room(c.env, pathOf(c, 'id', jobId)).metrics()))
  .get('/:id/room', requireUpgrade, (c) =>
    connectWorker(c.env, pathOf(c, 'id', jobId), queryOf(c, roomQuery).worker, c.req.raw),
  );

/** The row first, then the room, which finds the row and records the submission; see cluster/job-room.ts. */
async function submit(env: Env, written: Manifest): Promise<JobView> {
  const dataset = await resolveDataset(env, written);
  const manifest = await resolveModel(env, written);
  const id = `${manifest.metadata.name}-${randomName(6)}`;
  const facts = {
    id,
    name: manifest.metadata.name,
    owner,
    manifest,
    datasetHash: dataset.sha256,
    datasetBytes: dataset.bytes,
    createdAt: Date.now(),
  };
  await database(env.DB)
    .insert(jobs)
    .values({ ...facts, state: 'queued', reason: 'waiting for workers' });
  return room(env, id).view();
}
