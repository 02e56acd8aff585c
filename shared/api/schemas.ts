// Bodies of the REST API under /api/v1: what routes answer, the SDK and CLI parse, and the page shows. Requests that carry a
// manifest parse it with shared/manifest. Errors are `{ error: ErrorBody }` with the status from shared/errors.ts.
//
//   POST   /jobs                          manifest as JSON or YAML -> 201 JobView          owner token
//   GET    /jobs?state=&limit=            -> { jobs: JobView[] }
//   GET    /jobs/:id                      -> JobView
//   POST   /jobs/:id/cancel               -> JobView                                       owner token
//   POST   /jobs/:id/restart              -> 201 JobView     the same manifest, a new job   owner token
//   GET    /jobs/:id/logs?follow=1        -> text/event-stream of LogLine (id: = seq), or { lines } without follow
//   GET    /jobs/:id/metrics              -> { losses: LossPoint[], stateHashes: string[], load: RoomLoad }
//   GET    /jobs/:id/room?worker=ID       -> WebSocket, shared/protocol; the id is needed where workers.max is above 1,000
//   GET    /jobs/:id/checkpoints/:round   -> bytes           PUT with ?fence= and the worker token
//   GET    /jobs/:id/artifacts            -> { artifacts: { name, bytes }[] }
//   GET    /jobs/:id/artifacts/:name      -> bytes           PUT with ?fence= and the worker token
//   GET    /jobs/:id/relay/:hash          -> bytes           PUT with the worker token (content-addressed)
//   POST   /workers                       RegisterWorker -> 201 RegisteredWorker
//   GET    /workers                       -> { workers: WorkerView[] }
//   GET    /workers/me/work               -> Work            worker token; what to do now, or why to wait
//   GET    /bans                          -> { bans: BanView[] }                            owner token
//   DELETE /bans/:worker                  -> BanView         the one that was lifted       owner token
//   PUT    /datasets/:sha256?source=      bytes -> 201 { sha256, bytes }                   owner token
//   GET    /datasets/:sha256              -> bytes (Range allowed)
//   GET    /ledger/events?after=&limit=&subject=&type=  -> { events: LedgerEvent[] }; after is a seq, -1 = from the start
//   GET    /ledger/root                   -> { events: number, root: hash }
//   GET    /cluster/status                -> ClusterStatus
//   GET    /cluster/metrics               -> the same numbers as Prometheus reads them
//   GET    /peerjs                        PeerJS signalling WebSocket, outside /api/v1: path '/', key = the job's id

import { z } from 'zod';
import { hash, workerId } from '../protocol/messages.ts';

const count = z.int().min(0);
export const jobState = z.enum(['queued', 'waiting', 'running', 'finishing', 'completed', 'failed', 'cancelled']);

export const lossPoint = z.object({
  round: count,
  tokens: count,
  trainLoss: z.number().nullable(),
  validationLoss: z.number().nullable(),
  at: z.number(),
});

export const jobWorker = z.object({
  workerId,
  kind: z.enum(['page', 'node']),
  adapter: z.string(),
  present: z.boolean(),
  leftBecause: z.string().optional(), // in one clause, of a worker that is not present
  paused: z.boolean(),
  tokensPerSecond: z.number(),
  tokensAccepted: count,
  roundsAccepted: count,
  bytesSent: count,
  bytesReceived: count,
});

export const jobView = z.object({
  id: z.string(),
  name: z.string(),
  state: jobState,
  reason: z.string(), // why it waits or ended; '' while running
  owner: z.string(),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  manifest: z.unknown(), // a parsed manifest; parseManifest accepts it
  dataset: z.object({ sha256: hash, bytes: count }),
  round: count,
  tokens: count,
  tokensPerSecond: z.number(), // of all present workers together
  progress: z.number().min(0).max(1), // the further of tokens/maxTokens and time/maxDuration
  etaMs: z.number().nullable(),
  trainLoss: z.number().nullable(),
  validationLoss: z.number().nullable(),
  workers: z.array(jobWorker), // of a large job only some: present ones first, then those with most accepted tokens
  workersPresent: count.optional(), // of all; coordinators of version 0.1.0 do not say it
  evaluation: z.object({ loss: z.number(), tokens: count, unigramLoss: z.number(), bigramLoss: z.number() }).nullable(),
});

export const logLine = z.object({
  seq: count,
  at: z.number(),
  level: z.enum(['info', 'warn', 'error']),
  text: z.string(),
});

export const registerWorker = z.strictObject({
  version: z.int(), // of the protocol, the newest it speaks; unsupported_version when the coordinator speaks none of its versions
  oldest: z.int().optional(), // and the oldest; by default it speaks one
  kind: z.enum(['page', 'node']),
  adapter: z.string().max(200),
  name: z.string().max(100).optional(),
});
/** Header of a worker that asks for work: the newest protocol it speaks. Workers of protocol 1 do not say it. */
export const versionHeader = 'loomos-protocol';

export const registeredWorker = z.object({ workerId, token: z.string() });

export const work = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobView }),
  z.object({ type: z.literal('wait'), reason: z.string(), retryMs: count }),
]);

/** A worker that may take part in no job until then, and what it did. */
export const banView = z.object({
  workerId,
  jobId: z.string(),
  reason: z.string(),
  since: z.number(),
  until: z.number(),
});

export const workerView = z.object({
  workerId,
  kind: z.enum(['page', 'node']),
  adapter: z.string(),
  name: z.string(),
  jobId: z.string().nullable(),
  seenAt: z.number(),
});

export const clusterStatus = z.object({
  version: z.string(),
  protocolVersion: count,
  jobs: z.record(jobState, count),
  workers: z.object({ present: count, training: count }),
  tokensPerSecond: z.number(),
  ledger: z.object({ events: count, root: hash }),
});

export const listJobsQuery = z.strictObject({
  state: jobState.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const roomQuery = z.strictObject({ worker: workerId.optional() });
export const logsQuery = z.strictObject({
  follow: z.enum(['0', '1']).default('0'),
  after: z.coerce.number().int().min(0).optional(),
});
export const uploadQuery = z.strictObject({ fence: z.coerce.number().int().min(0) });
/** The largest text or model that a coordinator takes. */
export const maxDatasetBytes = 512 * 1024 * 1024;
export const datasetQuery = z.strictObject({ source: z.string().max(500).default('upload') });
export const ledgerQuery = z.strictObject({
  after: z.coerce.number().int().min(-1).default(-1),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  subject: z.string().max(128).optional(),
  type: z.string().max(64).optional(),
});
export const jobId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}-[0-9a-z]{6}$/, 'is no job id such as moby-dick-1a2b3c');
export const artifactName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be a plain file name');

/** How many workers of a job are there. */
export function presentWorkers({ workers, workersPresent }: JobView): number {
  return workersPresent ?? workers.filter(({ present }) => present).length;
}

export type LedgerQuery = z.infer<typeof ledgerQuery>;
export type JobView = z.infer<typeof jobView>;
export type JobWorker = z.infer<typeof jobWorker>;
export type LogLine = z.infer<typeof logLine>;
export type Work = z.infer<typeof work>;
export type BanView = z.infer<typeof banView>;
export type WorkerView = z.infer<typeof workerView>;
export type RegisteredWorker = z.infer<typeof registeredWorker>;
export type ClusterStatus = z.infer<typeof clusterStatus>;
