// What the REST API says about leadership: requests and answers of /cluster/nodes and /cluster/elections.

import { z } from 'zod';
import type { HeartbeatAnswer } from '../cluster/standing.ts';
import type { NodeRole } from '../cluster/types.ts';

/** Header of a leader's request: its fence. */
export const fenceHeader = 'loomos-fence';
/** How short and how long a leader may lead without a heartbeat. */
export const leaseBounds = { minMs: 1_000, maxMs: 600_000 };

const count = z.int().min(0);

export const nodeId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is no node id: letters, digits, . _ -');
const session = z.string().regex(/^[0-9a-f]{8,64}$/);
const role = z.enum(['leader', 'follower', 'observer'] satisfies NodeRole[]);

export const heartbeat = z.strictObject({
  session,
  observer: z.boolean(),
  leaseMs: z.int().min(leaseBounds.minMs).max(leaseBounds.maxMs),
  yields: count.nullable(), // the fence with which it led until now
});
export const leave = z.strictObject({ session });
export const callElection = z.strictObject({ nodeId: nodeId.optional() });
/** The fence of a leader's request, as its header says it. */
export const fenceText = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a fence')
  .transform(Number);

export const heartbeatAnswer: z.ZodType<HeartbeatAnswer> = z.object({
  role,
  fence: count,
  leader: z.string().nullable(),
  isAskedToYield: z.boolean(),
});

export const clusterNodes = z.object({
  fence: count, // of the latest leader; 0 before the first
  leader: z.string().nullable(),
  isElecting: z.boolean(), // the leader was asked to yield, or nobody leads yet after that
  nodes: z.array(z.object({ nodeId: z.string(), role, present: z.boolean(), seenAt: z.number(), leaseMs: count })),
});

export type Heartbeat = z.infer<typeof heartbeat>;
export type ClusterNodes = z.infer<typeof clusterNodes>;
