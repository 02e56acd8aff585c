// The room of a job as the HTTP routes see it: plain promises that reject with LoomError.

import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import type { LossPoint } from '../../shared/rounds/types.ts';
import type { Env } from '../env.ts';
import { valueOf } from './answer.ts';
import type { Answer } from './answer.ts';
import type { Upload } from './room-store.ts';
import type { Permit, UploadRequest } from './uploads.ts';

export interface Metrics {
  losses: LossPoint[];
  stateHashes: string[];
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
    /** A WebSocket upgrade that the room answers. */
    connect: (request: Request) => stub.fetch('https://room/socket', request),
    /** Server-sent events of the log lines after `after`. */
    followLog: (after: number) => stub.fetch(`https://room/logs?after=${after}`),
  };
}
