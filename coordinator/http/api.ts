// The REST API by itself, without the page: also what a leader's requests are handed to, see cluster/elections.ts.

import { Hono } from 'hono';
import type { App } from './app.ts';
import { banRoutes } from './bans.ts';
import { clusterRoutes } from './cluster.ts';
import { datasetRoutes } from './datasets.ts';
import { answerError, answerNotFound } from './errors.ts';
import { jobRoutes } from './jobs.ts';
import { leadershipRoutes } from './leadership.ts';
import { ledgerRoutes } from './ledger.ts';
import { logRoutes } from './logs.ts';
import { uploadRoutes } from './uploads.ts';
import { workerRoutes } from './workers.ts';

export const api = new Hono<App>()
  .basePath('/api/v1')
  .route('/jobs', jobRoutes)
  .route('/jobs', logRoutes)
  .route('/jobs', uploadRoutes)
  .route('/workers', workerRoutes)
  .route('/bans', banRoutes)
  .route('/datasets', datasetRoutes)
  .route('/ledger', ledgerRoutes)
  .route('/cluster', clusterRoutes)
  .route('/cluster', leadershipRoutes)
  .all('*', answerNotFound)
  .onError(answerError);
