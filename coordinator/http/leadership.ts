// The programs that act for the cluster's owner: which are there, which one leads, and changing that.

import { Hono } from 'hono';
import { callElection, heartbeat, leave, nodeId } from '../../shared/api/leadership.ts';
import type { ClusterNodes } from '../../shared/api/leadership.ts';
import type { HeartbeatAnswer } from '../../shared/cluster/standing.ts';
import { elections } from '../cluster/leadership/election-office.ts';
import { jsonOf, pathOf } from './app.ts';
import type { App } from './app.ts';
import { requireOwner } from './auth.ts';

const maxBodyBytes = 1024;

/** Mounted at /cluster. */
export const leadershipRoutes = new Hono<App>()
  .get('/nodes', async (c) => c.json<ClusterNodes>(await elections(c.env).view()))
  .post('/nodes/:nodeId/heartbeat', requireOwner, async (c) => {
    const id = pathOf(c, 'nodeId', nodeId);
    return c.json<HeartbeatAnswer>(
      await elections(c.env).heartbeat({ nodeId: id, ...(await jsonOf(c.req.raw, heartbeat, maxBodyBytes)) }),
    );
  })
  .post('/nodes/:nodeId/leave', requireOwner, async (c) => {
    const id = pathOf(c, 'nodeId', nodeId);
    const { session } = await jsonOf(c.req.raw, leave, maxBodyBytes);
    return c.json<ClusterNodes>(await elections(c.env).leave(id, session));
  })
  .post('/elections', requireOwner, async (c) => {
    const { nodeId: wanted = null } = await jsonOf(c.req.raw, callElection, maxBodyBytes);
    return c.json<ClusterNodes>(await elections(c.env).elect(wanted));
  });
