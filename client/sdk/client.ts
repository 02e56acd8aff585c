// What a job owner's program talks to: every route of the REST API that an owner needs, typed and parsed. Runs in Node and
// in a page.

import { z } from 'zod';
import { clusterNodes } from '../../shared/api/leadership.ts';
import type { ClusterNodes } from '../../shared/api/leadership.ts';
import {
  artifactName,
  banView,
  clusterStatus,
  jobView,
  logLine,
  lossPoint,
  workerView,
} from '../../shared/api/schemas.ts';
import type { BanView, ClusterStatus, JobView, LogLine, WorkerView } from '../../shared/api/schemas.ts';
import { sha256Hex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { ManifestInput } from '../../shared/manifest/manifest.ts';
import { hash } from '../../shared/protocol/messages.ts';
import type { JobState } from '../../shared/rounds/types.ts';
import { packFolder } from '../models/files/pack.ts';
import type { ReadFile } from '../models/files/pack.ts';
import { sleep } from '../timing/wait.ts';
import { ClusterNode } from './cluster-node.ts';
import type { JoinOptions } from './cluster-node.ts';
import { readEvents } from './event-stream.ts';
import { Http } from './http.ts';
import type { HttpOptions } from './http.ts';

export type ClientOptions = HttpOptions;

const count = z.int().min(0);
const jobMetrics = z.object({ losses: z.array(lossPoint), stateHashes: z.array(hash) });
const artifactInfo = z.object({ name: artifactName, bytes: count });
/** Of any type and version, also one that this build does not know: its hash can be checked all the same. */
const ledgerRecord = z.object({
  seq: count,
  at: z.number(),
  type: z.string(),
  version: count,
  subject: z.string(),
  data: z.record(z.string(), z.unknown()),
  leafHash: hash,
});
const ledgerRoot = z.object({ events: count, root: hash });
const dataset = z.object({ sha256: hash, bytes: count });

export type JobMetrics = z.infer<typeof jobMetrics>;
export type ArtifactInfo = z.infer<typeof artifactInfo>;
export type LedgerRecord = z.infer<typeof ledgerRecord>;
export type LedgerRoot = z.infer<typeof ledgerRoot>;
export type Dataset = z.infer<typeof dataset>;

/** How long a coordinator may be away while a job is followed, besides the attempts of each request. */
const patienceMs = 60_000;
const retryMs = 2000;
const ended: readonly JobState[] = ['completed', 'failed', 'cancelled'];

/** Whether a job will never change again. */
export function hasEnded(job: Pick<JobView, 'state'>): boolean {
  return ended.includes(job.state);
}

/**
 * A coordinator, seen by a job owner. Every method throws LoomError: what the coordinator answered, or `unavailable` when
 * it could not be reached after several attempts.
 *
 * @example
 * ```ts
 * import { readFile, writeFile } from 'node:fs/promises';
 * import { LoomOSClient } from 'loomos';
 *
 * const client = new LoomOSClient({ url: 'http://127.0.0.1:8787', ownerToken: process.env.LOOMOS_OWNER_TOKEN });
 * const text = await client.uploadDataset(await readFile('my.txt'), { source: 'my.txt' });
 * const job = await client.submitJob({
 *   apiVersion: 'loomos.ai/v1',
 *   kind: 'TrainingJob',
 *   metadata: { name: 'my-text' },
 *   spec: {
 *     algorithm: 'lm',
 *     model: { kind: 'gpt' },
 *     data: { source: `dataset:${text.sha256}` },
 *     runtime: { maxTokens: 500_000 },
 *   },
 * });
 * for await (const now of client.streamJobStatus(job.id)) console.log(now.state, now.round, now.trainLoss);
 * await writeFile('model.safetensors', await client.downloadArtifact(job.id, 'model.safetensors'));
 * ```
 */
export class LoomOSClient {
  readonly url: string;
  readonly #options: ClientOptions;
  readonly #http: Http;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;

  /** @param options where the coordinator is, and the owner token that submitting, cancelling and uploading need */
  constructor(options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.#options = options;
    this.#http = new Http(options);
    this.#sleep = options.sleep ?? sleep;
  }

  /**
   * Submits a job: a manifest as data, or as YAML text. Its data must be a `dataset:` the coordinator holds, or `https:`.
   * @throws LoomError `invalid_manifest`, `data_unavailable`, `unauthorized`.
   * @example const job = await client.submitJob(await readFile('job.yaml', 'utf8'));
   */
  async submitJob(manifest: ManifestInput | string): Promise<JobView> {
    const body = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    const headers = { 'content-type': typeof manifest === 'string' ? 'application/yaml' : 'application/json' };
    return this.#http.json(jobView, { method: 'POST', path: '/jobs', body, headers, isUnsafe: true });
  }

  /**
   * The newest jobs first.
   * @example for (const job of await client.listJobs({ state: 'running' })) console.log(job.id, job.progress);
   */
  async listJobs(query: { state?: JobState; limit?: number } = {}): Promise<JobView[]> {
    const { jobs } = await this.#http.json(z.object({ jobs: z.array(jobView) }), { path: '/jobs', query });
    return jobs;
  }

  /** @throws LoomError `not_found`. @example const { state, workers } = await client.getJob('moby-dick-1a2b3c'); */
  async getJob(id: string, signal?: AbortSignal): Promise<JobView> {
    return this.#http.json(jobView, { path: `/jobs/${encodeURIComponent(id)}`, signal });
  }

  /** Ends a job; one that has ended stays as it is. @example await client.cancelJob(job.id); */
  async cancelJob(id: string): Promise<JobView> {
    return this.#http.json(jobView, { method: 'POST', path: `/jobs/${encodeURIComponent(id)}/cancel` });
  }

  /**
   * Submits a job's manifest once more, as a new job that begins anew.
   * @throws LoomError `not_found`, `data_unavailable`. @example const again = await client.restartJob(job.id);
   */
  async restartJob(id: string): Promise<JobView> {
    const path = `/jobs/${encodeURIComponent(id)}/restart`;
    return this.#http.json(jobView, { method: 'POST', path, isUnsafe: true });
  }

  /** Workers that may take part in no job. @example for (const { workerId, reason } of await client.listBans()) … */
  async listBans(): Promise<BanView[]> {
    return (await this.#http.json(z.object({ bans: z.array(banView) }), { path: '/bans' })).bans;
  }

  /** Lets a banned worker take part again. @throws LoomError `not_found`. @example await client.liftBan('w-1a2b3c4d5e6f'); */
  async liftBan(workerId: string): Promise<BanView> {
    return this.#http.json(banView, { method: 'DELETE', path: `/bans/${encodeURIComponent(workerId)}` });
  }

  /**
   * The job as it is now, and again whenever it changed, until it has ended (that view is the last) or `signal` aborts.
   * Once it was seen, a coordinator that is away for up to a minute, because it restarts, is waited for.
   * @example for await (const job of client.streamJobStatus(id)) console.log(job.round, job.trainLoss);
   */
  async *streamJobStatus(
    id: string,
    options: { intervalMs?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobView> {
    const { intervalMs = 1000, signal } = options;
    for (let last = ''; signal?.aborted !== true; await this.#sleep(intervalMs, signal)) {
      const job = await this.#patiently(last !== '', signal, () => this.getJob(id, signal));
      if (job === null) return;
      const text = JSON.stringify(job);
      if (text !== last) yield job;
      last = text;
      if (hasEnded(job)) return;
    }
  }

  /** The job's log so far. @example const lines = await client.jobLogs(id); */
  async jobLogs(id: string): Promise<LogLine[]> {
    const path = `/jobs/${encodeURIComponent(id)}/logs`;
    const { lines } = await this.#http.json(z.object({ lines: z.array(logLine) }), { path });
    return lines;
  }

  /**
   * The job's log, line by line as it is written, until the job has ended. Comes back after a broken connection without
   * missing or repeating a line.
   * @example for await (const line of client.followLogs(id)) console.log(line.text);
   */
  async *followLogs(id: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<LogLine> {
    const { signal } = options;
    const path = `/jobs/${encodeURIComponent(id)}/logs`;
    for (let lastSeq = -1; signal?.aborted !== true; await this.#sleep(500, signal)) {
      const headers = lastSeq < 0 ? {} : { 'last-event-id': String(lastSeq) };
      const request = { path, query: { follow: 1 }, headers, signal };
      const response = await this.#patiently(lastSeq >= 0, signal, () => this.#http.send(request));
      if (response === null) return;
      try {
        for await (const event of readEvents(response.body!)) {
          if (event.event === 'end') return;
          const line = logLineOf(event.data, path);
          if (line.seq <= lastSeq) continue;
          lastSeq = line.seq;
          yield line;
        }
      } catch (error) {
        if (error instanceof LoomError) throw error;
        // else the connection broke: come back after the last line
      }
    }
  }

  /** Tries again for a minute what fails because the coordinator is away, if it was there before. Null once `signal` aborts. */
  async #patiently<T>(
    wasThere: boolean,
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
  ): Promise<T | null> {
    for (let left = wasThere ? patienceMs : 0; ; left -= retryMs) {
      try {
        return await attempt();
      } catch (error) {
        if (signal?.aborted) return null;
        if (!(error instanceof LoomError && error.code === 'unavailable') || left <= 0) throw error;
        await this.#sleep(retryMs, signal);
      }
    }
  }

  /** Loss at each round and the state hashes the workers agreed on. @example (await client.jobMetrics(id)).losses */
  async jobMetrics(id: string): Promise<JobMetrics> {
    return this.#http.json(jobMetrics, { path: `/jobs/${encodeURIComponent(id)}/metrics` });
  }

  /** The files a finished job left. @example (await client.listArtifacts(id)).map((file) => file.name) */
  async listArtifacts(id: string): Promise<ArtifactInfo[]> {
    const path = `/jobs/${encodeURIComponent(id)}/artifacts`;
    const { artifacts } = await this.#http.json(z.object({ artifacts: z.array(artifactInfo) }), { path });
    return artifacts;
  }

  /** One file's bytes. @throws LoomError `not_found`. @example await client.downloadArtifact(id, 'config.json') */
  async downloadArtifact(id: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = `/jobs/${encodeURIComponent(id)}/artifacts/${encodeURIComponent(name)}`;
    return this.#http.bytes({ path });
  }

  /**
   * Stores bytes to train on; storing them twice changes nothing. Manifests name them as `dataset:SHA256`.
   * @param options.source where they came from, for people
   * @example const { sha256 } = await client.uploadDataset(new TextEncoder().encode(text), { source: 'my.txt' });
   */
  async uploadDataset(bytes: Uint8Array<ArrayBuffer>, options: { source?: string } = {}): Promise<Dataset> {
    const path = `/datasets/${sha256Hex(bytes)}`;
    const headers = { 'content-type': 'application/octet-stream' };
    return this.#http.json(dataset, { method: 'PUT', path, query: { source: options.source }, body: bytes, headers });
  }

  /**
   * Stores a model folder as Hugging Face lays it out (config.json, tokenizer.json, model.safetensors or its shards), packed
   * into one dataset. Manifests begin with it as `model: { from: 'dataset:SHA256' }`.
   * @param read gives a file of the folder by its name, or null
   * @throws LoomError `data_unavailable` naming the file that is missing or does not parse
   * @example const { sha256 } = await client.uploadModel((name) => readFile(`my-model/${name}`).catch(() => null));
   */
  async uploadModel(read: ReadFile, options: { source?: string } = {}): Promise<Dataset> {
    return this.uploadDataset(await packFolder(read), options);
  }

  /** A stored dataset's bytes. @throws LoomError `not_found`. @example await client.downloadDataset(job.dataset.sha256) */
  async downloadDataset(sha256: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#http.bytes({ path: `/datasets/${sha256}` });
  }

  /** Everyone who registered to contribute. @example (await client.listWorkers()).length */
  async listWorkers(): Promise<WorkerView[]> {
    const { workers } = await this.#http.json(z.object({ workers: z.array(workerView) }), { path: '/workers' });
    return workers;
  }

  /** Numbers about the whole cluster. @example (await client.clusterStatus()).tokensPerSecond */
  async clusterStatus(): Promise<ClusterStatus> {
    return this.#http.json(clusterStatus, { path: '/cluster/status' });
  }

  /** The programs that take part in leading this cluster. @example (await client.clusterNodes()).leader */
  async clusterNodes(): Promise<ClusterNodes> {
    return this.#http.json(clusterNodes, { path: '/cluster/nodes' });
  }

  /**
   * Takes part in leading the cluster: of all nodes that join, one at a time is its leader. Its role changes by itself;
   * see ClusterNode.
   * @example
   * ```ts
   * const node = client.joinCluster({ nodeId: 'node_1' });
   * node.onRoleChange(async (before, now) => {
   *   if (now === 'leader') await startServices(node.client); // its requests are refused once another leads
   *   else if (before === 'leader') await stopServices(); // the next leader waits for this
   * });
   * ```
   */
  joinCluster(options: JoinOptions): ClusterNode<LoomOSClient> {
    return new ClusterNode(this.#options, options, (fence) => new LoomOSClient({ ...this.#options, fence }));
  }

  /**
   * Asks the leader to yield, for maintenance; another node follows it, or the one that is named.
   * @throws LoomError `conflict` when no other node could lead, `unauthorized`.
   * @example await client.triggerElection({ nodeId: 'node_2' });
   */
  async triggerElection(options: { nodeId?: string } = {}): Promise<ClusterNodes> {
    const body = JSON.stringify(options);
    return this.#http.json(clusterNodes, { method: 'POST', path: '/cluster/elections', body, isUnsafe: true });
  }

  /** Events after number `after` (-1: from the first), oldest first, at most `limit`. @example await client.ledgerEvents() */
  async ledgerEvents(query: LedgerQuery = {}): Promise<LedgerRecord[]> {
    const schema = z.object({ events: z.array(ledgerRecord) });
    const { events } = await this.#http.json(schema, { path: '/ledger/events', query: { ...query } });
    return events;
  }

  /** All events, page by page. @example for await (const event of client.allLedgerEvents()) console.log(event.type); */
  async *allLedgerEvents(query: Omit<LedgerQuery, 'after'> = {}): AsyncGenerator<LedgerRecord> {
    for (let after = -1; ;) {
      const events = await this.ledgerEvents({ limit: 1000, ...query, after });
      yield* events;
      const last = events.at(-1);
      if (last === undefined) return;
      after = last.seq;
    }
  }

  /** Size and Merkle root of the ledger now. @example const { events, root } = await client.ledgerRoot(); */
  async ledgerRoot(): Promise<LedgerRoot> {
    return this.#http.json(ledgerRoot, { path: '/ledger/root' });
  }
}

function logLineOf(text: string, where: string): LogLine {
  try {
    return logLine.parse(JSON.parse(text));
  } catch (cause) {
    throw new LoomError('internal', 'unexpected log line', { where, cause });
  }
}

export interface LedgerQuery {
  after?: number;
  limit?: number;
  subject?: string;
  type?: string;
}
