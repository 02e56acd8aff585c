// The REST calls a worker makes, and where its sockets are. Retries and their bounds are in sdk/http.ts.

import { registeredWorker, versionHeader, work } from '../../shared/api/schemas.ts';
import type { RegisteredWorker, Work } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import { workerSpeaks } from '../../shared/protocol/version.ts';
import { Http } from '../sdk/http.ts';
import type { HttpRequest } from '../sdk/http.ts';
import type { Relay } from '../exchange/relay.ts';

export interface WorkerDescription {
  kind: 'page' | 'node';
  adapter: string;
  name: string;
}

export class CoordinatorApi {
  readonly url: URL;
  token = '';
  private readonly http: Http;

  /** @param signal ends every call */
  constructor(url: URL, signal: AbortSignal) {
    this.url = url;
    this.http = new Http({ url: url.href, attempts: 3, signal });
  }

  register({ kind, adapter, name }: WorkerDescription): Promise<RegisteredWorker> {
    const body = JSON.stringify({
      version: workerSpeaks.newest,
      oldest: workerSpeaks.oldest,
      kind,
      adapter: adapter.slice(0, 200),
      name: name.slice(0, 100),
    });
    const headers = { 'content-type': 'application/json' };
    return this.http.json(registeredWorker, { method: 'POST', path: '/workers', body, headers });
  }

  work(): Promise<Work> {
    const headers = { ...this.authorization(), [versionHeader]: String(workerSpeaks.newest) };
    return this.http.json(work, { path: '/workers/me/work', headers });
  }

  dataset(sha256: string): Promise<Uint8Array> {
    return this.http.bytes({ path: `/datasets/${sha256}` });
  }

  checkpoint(jobId: string, round: number): Promise<Uint8Array> {
    return this.http.bytes({ path: `/jobs/${jobId}/checkpoints/${round}` });
  }

  /** `length` bytes of it from `offset` on. */
  async checkpointPart(jobId: string, round: number, offset: number, length: number): Promise<Uint8Array> {
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    return this.http.bytes({ path: `/jobs/${jobId}/checkpoints/${round}`, headers });
  }

  async putCheckpoint(
    jobId: string,
    round: number,
    fence: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    await this.put(`/jobs/${jobId}/checkpoints/${round}`, bytes, { query: { fence }, signal });
  }

  async putArtifact(jobId: string, name: string, fence: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.put(`/jobs/${jobId}/artifacts/${name}`, bytes, { query: { fence }, signal });
  }

  /** The job's payloads at the coordinator. */
  relay(jobId: string): Relay {
    const path = (hash: string): string => `/jobs/${jobId}/relay/${hash}`;
    return {
      get: (hash) => this.http.bytes({ path: path(hash) }).catch(nullIfNotFound),
      put: (hash, payload) => this.put(path(hash), payload, {}),
    };
  }

  /** Workers of a large job are divided among several doors by their ids. */
  roomUrl(jobId: string, workerId: string): URL {
    const url = new URL(`api/v1/jobs/${jobId}/room`, this.url.href.replace(/\/*$/, '/'));
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('worker', workerId);
    return url;
  }

  private async put(path: string, bytes: Uint8Array, more: Pick<HttpRequest, 'query' | 'signal'>): Promise<void> {
    const body = new Uint8Array(bytes); // a body must not be a view of shared memory
    await this.http.send({ method: 'PUT', path, body, headers: this.authorization(), ...more });
  }

  private authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.token}` };
  }
}

function nullIfNotFound(error: unknown): null {
  if (error instanceof LoomError && error.code === 'not_found') return null;
  throw error;
}
