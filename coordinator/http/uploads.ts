// What workers store for a job: checkpoints and artifacts under a lease, contributions on the relay. The room permits an
// upload, R2 takes it, the room hears of it; if the lease was lost meanwhile the bytes go away again.

import type { Context } from 'hono';
import { Hono } from 'hono';
import { z } from 'zod';
import { artifactName, jobId, uploadQuery } from '../../shared/api/schemas.ts';
import { hash } from '../../shared/protocol/messages.ts';
import { room } from '../cluster/room/rooms.ts';
import type { UploadRequest } from '../cluster/room/uploads.ts';
import { serveObject } from '../storage/serve.ts';
import type { Served } from '../storage/serve.ts';
import { checkAnnouncedSize, storeStream } from '../storage/upload.ts';
import { pathOf, queryOf } from './app.ts';
import type { App } from './app.ts';
import { requireWorker } from './auth.ts';

const roundInPath = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a round number')
  .transform(Number);

/** Mounted at /jobs. */
export const uploadRoutes = new Hono<App>()
  .put('/:id/checkpoints/:round', requireWorker, (c) => {
    const [{ fence }, round] = [queryOf(c, uploadQuery), pathOf(c, 'round', roundInPath)];
    return store(c, { kind: 'checkpoint', workerId: c.var.worker.sub, fence, round });
  })
  .get('/:id/checkpoints/:round', (c) => {
    return serve(c, 'checkpoint', String(pathOf(c, 'round', roundInPath)), 'application/octet-stream');
  })
  .get('/:id/artifacts', async (c) => c.json({ artifacts: await room(c.env, pathOf(c, 'id', jobId)).artifacts() }))
  .put('/:id/artifacts/:name', requireWorker, (c) => {
    const [{ fence }, name] = [queryOf(c, uploadQuery), pathOf(c, 'name', artifactName)];
    return store(c, { kind: 'artifact', workerId: c.var.worker.sub, fence, name });
  })
  .get('/:id/artifacts/:name', (c) => {
    const name = pathOf(c, 'name', artifactName);
    return serve(c, 'artifact', name, mediaType(name));
  })
  .put('/:id/relay/:hash', requireWorker, (c) => {
    return store(c, { kind: 'relay', workerId: c.var.worker.sub, hash: pathOf(c, 'hash', hash) });
  })
  .get('/:id/relay/:hash', (c) => serve(c, 'relay', pathOf(c, 'hash', hash), 'application/octet-stream'));

async function store(c: Context<App>, request: UploadRequest): Promise<Response> {
  const target = room(c.env, pathOf(c, 'id', jobId));
  const { storeKey, maxBytes } = await target.permit(request);
  const expected = { what: request.kind, maxBytes, ...(request.kind === 'relay' && { sha256: request.hash }) };
  checkAnnouncedSize(c.req.raw, expected);
  const stored = await storeStream(c.env.STORE, storeKey, c.req.raw.body, expected);
  try {
    await target.uploaded(request, { storeKey, bytes: stored.bytes });
  } catch (error) {
    await c.env.STORE.delete(storeKey);
    throw error;
  }
  return c.json(stored, 201);
}

async function serve(c: Context<App>, kind: UploadRequest['kind'], name: string, type: string): Promise<Response> {
  const storeKey = await room(c.env, pathOf(c, 'id', jobId)).storeKey(kind, name);
  const served: Served = { what: kind, type, immutable: kind === 'relay' };
  return serveObject(c.env.STORE, storeKey, c.req.raw, served);
}

/** Never text/html: what a worker stored must not run in a page. */
function mediaType(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  return name.endsWith('.txt') ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}
