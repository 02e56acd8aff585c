// The coordinator: a Cloudflare Worker that decides and remembers, and never touches a tensor. The API lies under /api/v1,
// PeerJS signalling under /peerjs, everything else is the page.

import { Hono } from 'hono';
import type { App } from './http/app.ts';
import { clusterRoutes } from './http/cluster.ts';
import { datasetRoutes } from './http/datasets.ts';
import { answerError, answerNotFound } from './http/errors.ts';
import { jobRoutes } from './http/jobs.ts';
import { ledgerRoutes } from './http/ledger.ts';
import { logRoutes } from './http/logs.ts';
import { pageHeaders, servePage } from './http/page.ts';
import { peerjsRoutes } from './http/peerjs.ts';
import { uploadRoutes } from './http/uploads.ts';
import { workerRoutes } from './http/workers.ts';

export { JobRoom } from './cluster/job-room.ts';
export { Signalling } from './cluster/signalling.ts';
export { LedgerWriter } from './ledger/writer.ts';

const api = new Hono<App>()
  .route('/jobs', jobRoutes)
  .route('/jobs', logRoutes)
  .route('/jobs', uploadRoutes)
  .route('/workers', workerRoutes)
  .route('/datasets', datasetRoutes)
  .route('/ledger', ledgerRoutes)
  .route('/cluster', clusterRoutes)
  .all('*', answerNotFound);

const app = new Hono<App>()
  .route('/api/v1', api)
  .all('/api/*', answerNotFound)
  .route('/peerjs', peerjsRoutes)
  .use(pageHeaders)
  .all('*', servePage)
  .onError(answerError);

export default app;
