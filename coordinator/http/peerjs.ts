// The door to PeerJS signalling. The key is the id of a job that has not ended; anything else is refused in PeerJS's own way.

import { Hono } from 'hono';
import type { Context } from 'hono';
import { shardName, shardOf, signallingFor } from '../cluster/door/shards.ts';
import { clientQuery } from '../cluster/signal.ts';
import type { ServerSignal } from '../cluster/signal.ts';
import { refuse } from '../cluster/signalling.ts';
import { database } from '../db/database.ts';
import { findPlaces } from '../db/jobs.ts';
import type { App } from './app.ts';
import { requireUpgrade } from './upgrade.ts';

/** PeerJS appends `peerjs` to its path, so path '/' and path '/peerjs/' both end here. Mounted at /peerjs. */
export const peerjsRoutes = new Hono<App>()
  .get('/', requireUpgrade, (c) => connect(c))
  .get('/peerjs', requireUpgrade, (c) => connect(c))
  .get('/:key/id', (c) => c.text(crypto.randomUUID()));

async function connect(c: Context<App>): Promise<Response> {
  const query = clientQuery.safeParse(c.req.query());
  if (!query.success)
    return hangUp({ type: 'ERROR', payload: { msg: 'No id, token, or key supplied to websocket server' } });
  const { key, id, token } = query.data;
  const job = await findPlaces(database(c.env.DB), key);
  if (job?.isActive !== true) return hangUp({ type: 'INVALID-KEY', payload: { msg: 'Invalid key provided' } });
  const shards = signallingFor(job.maxWorkers);
  const name = shardName({ jobId: key, index: shardOf(id, shards), shards });
  const stub = c.env.SIGNALLING.get(c.env.SIGNALLING.idFromName(name));
  return stub.fetch(`https://signalling/?${new URLSearchParams({ id, token }).toString()}`, c.req.raw);
}

function hangUp(signal: ServerSignal): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  return refuse(server, client, signal);
}
