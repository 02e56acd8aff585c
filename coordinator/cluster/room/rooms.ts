// The room of a job as the HTTP routes see it: plain promises that reject with LoomError.

import type { JobView, LogLine } from '../../../shared/api/schemas.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import { LoomError } from '../../../shared/errors.ts';
import { database } from '../../db/database.ts';
import { findPlaces } from '../../db/jobs.ts';
import type { Env } from '../../env.ts';
import { valueOf } from '../answer.ts';
import type { Answer } from '../answer.ts';
import type { GateAnswer, GateReport } from '../door/gates.ts';
import type { Upload } from './room-store.ts';
import { gatesFor, shardName, shardOf } from '../door/shards.ts';
import type { Permit, UploadRequest } from './uploads.ts';

export interface Metrics {
  losses: LossPoint[];
  stateHashes: string[];
  load: RoomLoad;
}

/** How busy a room is: counted since it last woke. */
export interface RoomLoad {
  since: number; // unix ms
  events: number; // messages, and workers that were lost
  ticks: number; // in which they were taken
  reports: number; // calls of gates
  calls: number; // of gates by the room
}

/** What a room answers over RPC. Written out, because Cloudflare's stub type knows nothing about zod's `unknown`. */
export interface RoomRpc {
  view(): Promise<Answer<JobView>>;
  metrics(): Promise<Answer<Metrics>>;
  cancel(reason: string): Promise<Answer<JobView>>;
  logLines(after: number): Promise<Answer<LogLine[]>>;
  /** Whether an upload may begin. */
  permit(request: UploadRequest): Promise<Answer<Permit>>;
  /** An upload's bytes are in R2. `conflict` when its lease was lost meanwhile. */
  uploaded(request: UploadRequest, upload: Pick<Upload, 'storeKey' | 'bytes'>): Promise<Answer<void>>;
  /** Where an upload lies in R2. */
  storeKey(kind: UploadRequest['kind'], name: string): Promise<Answer<string>>;
  artifacts(): Promise<Answer<{ name: string; bytes: number }[]>>;
  /** What came in at a gate. */
  takeFromGate(report: GateReport): Promise<GateAnswer>;
}

export function room(env: Env, jobId: string) {
  const stub = env.ROOMS.get(env.ROOMS.idFromName(jobId));
  const rpc = stub as unknown as RoomRpc;
  return {
    view: () => valueOf(rpc.view()),
    metrics: () => valueOf(rpc.metrics()),
    cancel: (reason: string) => valueOf(rpc.cancel(reason)),
    logLines: (after: number) => valueOf(rpc.logLines(after)),
    permit: (request: UploadRequest) => valueOf(rpc.permit(request)),
    uploaded: (request: UploadRequest, upload: Pick<Upload, 'storeKey' | 'bytes'>) =>
      valueOf(rpc.uploaded(request, upload)),
    storeKey: (kind: UploadRequest['kind'], name: string) => valueOf(rpc.storeKey(kind, name)),
    artifacts: () => valueOf(rpc.artifacts()),
    takeFromGate: (report: GateReport) => rpc.takeFromGate(report),
    /** A WebSocket upgrade that the room answers. */
    connect: (request: Request) => stub.fetch('https://room/socket', request),
    /** Server-sent events of the log lines after `after`. */
    followLog: (after: number) => stub.fetch(`https://room/logs?after=${after}`),
  };
}

/**
 * A WebSocket upgrade, answered by whoever holds the sockets of this worker: the room, or one of its gates.
 * @throws LoomError `not_found`, or `invalid_request` when a large job does not hear who comes
 */
export async function connectWorker(
  env: Env,
  jobId: string,
  workerId: string | undefined,
  request: Request,
): Promise<Response> {
  const job = await findPlaces(database(env.DB), jobId);
  if (job === null) throw new LoomError('not_found', `no job ${jobId}`, { where: jobId });
  const shards = gatesFor(job.maxWorkers);
  if (shards === 0) return room(env, jobId).connect(request);
  if (workerId === undefined)
    throw new LoomError('invalid_request', 'a job of more than 1,000 workers has several doors: say who comes', {
      where: 'query.worker',
      allowed: 'room?worker=ID',
    });
  const name = shardName({ jobId, index: shardOf(workerId, shards), shards });
  return env.GATES.get(env.GATES.idFromName(name)).fetch('https://gate/socket', request);
}
