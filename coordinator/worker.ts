// The coordinator: a Cloudflare Worker that decides and remembers, and never touches a tensor. The API lies under /api/v1,
// PeerJS signalling under /peerjs, everything else is the page.

import { Hono } from 'hono';
import { api } from './http/api.ts';
import type { App } from './http/app.ts';
import { answerError, answerNotFound } from './http/errors.ts';
import { fenced } from './http/fenced.ts';
import { pageHeaders, servePage } from './http/page.ts';
import { peerjsRoutes } from './http/peerjs.ts';

export { Elections } from './cluster/leadership/elections.ts';
export { Gate } from './cluster/door/gate.ts';
export { JobRoom } from './cluster/room/job-room.ts';
export { Signalling } from './cluster/signalling.ts';
export { LedgerWriter } from './ledger/writer.ts';

const app = new Hono<App>()
  .use('/api/v1/*', fenced)
  .route('/', api)
  .all('/api/*', answerNotFound)
  .route('/peerjs', peerjsRoutes)
  .use(pageHeaders)
  .all('*', servePage)
  .onError(answerError);

export default app;
