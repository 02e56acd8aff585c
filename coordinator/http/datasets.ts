// Datasets: bytes named by their SHA-256, so that uploading one twice changes nothing.

import { Hono } from 'hono';
import { datasetQuery, maxDatasetBytes } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import { hash } from '../../shared/protocol/messages.ts';
import { datasetKey, findDataset, registerDataset } from '../storage/datasets.ts';
import { serveObject } from '../storage/serve.ts';
import { checkAnnouncedSize, storeStream } from '../storage/upload.ts';
import { database } from '../db/database.ts';
import { pathOf, queryOf } from './app.ts';
import type { App } from './app.ts';
import { requireOwner } from './auth.ts';

export const datasetRoutes = new Hono<App>()
  .put('/:sha256', requireOwner, async (c) => {
    const [sha256, { source }] = [pathOf(c, 'sha256', hash), queryOf(c, datasetQuery)];
    const expected = { what: 'dataset', maxBytes: maxDatasetBytes, sha256 };
    checkAnnouncedSize(c.req.raw, expected);
    const storeKey = datasetKey(sha256);
    const { bytes } = await storeStream(c.env.STORE, storeKey, c.req.raw.body, expected);
    await registerDataset(c.env, { sha256, bytes, source, storeKey, createdAt: Date.now() });
    return c.json({ sha256, bytes }, 201);
  })
  .get('/:sha256', async (c) => {
    const sha256 = pathOf(c, 'sha256', hash);
    const dataset = await findDataset(database(c.env.DB), sha256);
    if (dataset === null) throw new LoomError('not_found', 'no such dataset', { where: sha256 });
    return serveObject(c.env.STORE, dataset.storeKey, c.req.raw, {
      what: 'dataset',
      type: 'application/octet-stream',
      immutable: true,
    });
  });
