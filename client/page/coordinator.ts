// What the page reads from the coordinator, parsed before anyone uses it. Read only: a contributor's own requests are the
// worker's business (client/worker).

import { z } from 'zod';
import { clusterStatus, jobView, logLine, lossPoint, type JobView, type LogLine } from '../../shared/api/schemas.ts';
import { LoomError, type ErrorBody } from '../../shared/errors.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import type { LossPoint } from '../../shared/rounds/types.ts';

export interface ArtifactFile {
  name: string;
  bytes: number;
}

/** Every method rejects with LoomError: `unavailable` when nobody answers, else what the coordinator says. */
export interface Coordinator {
  jobs(): Promise<JobView[]>;
  job(id: string): Promise<JobView>;
  losses(id: string): Promise<LossPoint[]>;
  log(id: string): Promise<LogLine[]>;
  artifacts(id: string): Promise<ArtifactFile[]>;
  artifactText(id: string, name: string): Promise<string>;
  dataset(sha256: string): Promise<Uint8Array>;
  ledgerRoot(): Promise<{ events: number; root: string }>;
  /** Events with a higher `seq` than `after`, exactly as stored: parsing them would change what is hashed. */
  events(query: { after: number; limit: number; subject?: string }): Promise<LedgerEvent[]>;
}

const jobList = z.object({ jobs: z.array(jobView) });
const metrics = z.object({ losses: z.array(lossPoint) });
const logLines = z.object({ lines: z.array(logLine) });
const artifactList = z.object({ artifacts: z.array(z.object({ name: z.string(), bytes: z.number() })) });
const ledgerRoot = clusterStatus.shape.ledger;

export function logAddress(id: string): string {
  return `/api/v1/jobs/${id}/logs?follow=1`;
}

export function artifactAddress(id: string, name: string): string {
  return `/api/v1/jobs/${id}/artifacts/${encodeURIComponent(name)}`;
}

export function createCoordinator(fetch: typeof globalThis.fetch): Coordinator {
  const get = (path: string) => request(fetch, path);
  const json = async <T>(schema: z.ZodType<T>, path: string) => schema.parse(await (await get(path)).json());
  return {
    jobs: async () => (await json(jobList, '/api/v1/jobs?limit=20')).jobs,
    job: (id) => json(jobView, `/api/v1/jobs/${id}`),
    losses: async (id) => (await json(metrics, `/api/v1/jobs/${id}/metrics`)).losses,
    log: async (id) => (await json(logLines, `/api/v1/jobs/${id}/logs`)).lines,
    artifacts: async (id) => (await json(artifactList, `/api/v1/jobs/${id}/artifacts`)).artifacts,
    artifactText: async (id, name) => (await get(artifactAddress(id, name))).text(),
    dataset: async (sha256) => new Uint8Array(await (await get(`/api/v1/datasets/${sha256}`)).arrayBuffer()),
    ledgerRoot: () => json(ledgerRoot, '/api/v1/ledger/root'),
    async events({ after, limit, subject }) {
      const query = new URLSearchParams({
        after: String(after),
        limit: String(limit),
        ...(subject !== undefined && { subject }),
      });
      const body = (await (await get(`/api/v1/ledger/events?${query}`)).json()) as { events: LedgerEvent[] };
      return body.events;
    },
  };
}

async function request(fetch: typeof globalThis.fetch, path: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(20_000) });
  } catch (cause) {
    throw new LoomError('unavailable', 'the coordinator does not answer', { cause });
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as { error?: ErrorBody } | null;
  if (body?.error !== undefined) throw LoomError.from(body.error);
  throw new LoomError('unavailable', `the coordinator answered ${response.status} to ${path}`);
}
