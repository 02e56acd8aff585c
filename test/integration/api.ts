// The coordinator in this workerd, as its callers see it: requests go through its fetch handler, sockets are real.

import { applyD1Migrations } from 'cloudflare:test';
import type { D1Migration } from 'cloudflare:test';
import { env as bindings, exports } from 'cloudflare:workers';
import type { Env } from '../../coordinator/env.ts';
import { sha256Hex, utf8 } from '../../shared/bytes.ts';
import type { JobView, RegisteredWorker } from '../../shared/api/schemas.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import type { ManifestInput } from '../../shared/manifest/manifest.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';

export const env = bindings as unknown as Env & { TEST_MIGRATIONS: D1Migration[] };
export const origin = 'http://coordinator.test';

const worker = (exports as unknown as { default: Fetcher }).default;
const owner = { authorization: `Bearer ${env.LOOMOS_OWNER_TOKEN}` };

/** Call once a file, before the first request. */
export function migrate(): Promise<void> {
  return applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

export function request(path: string, init: RequestInit = {}): Promise<Response> {
  return worker.fetch(path.startsWith('/') ? `${origin}${path}` : `${origin}/api/v1/${path}`, init);
}

export async function get<T>(path: string): Promise<T> {
  const response = await request(path);
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return response.json<T>();
}

export function asOwner(path: string, method: string, body?: BodyInit): Promise<Response> {
  return request(path, { method, headers: owner, ...(body !== undefined && { body }) });
}

export function asWorker(token: string, path: string, method = 'GET', body?: BodyInit): Promise<Response> {
  return request(path, { method, headers: { authorization: `Bearer ${token}` }, ...(body !== undefined && { body }) });
}

/** An object's bytes as text, which workerd warns about when it is not declared as text. */
export async function contentOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}

/** The status and the error of an answer that should be one. */
export async function errorOf(pending: Promise<Response>): Promise<ErrorBody & { status: number }> {
  const response = await pending;
  const { error } = await response.json<{ error: ErrorBody }>();
  return { status: response.status, ...error };
}

export async function register(name = 'test'): Promise<RegisteredWorker> {
  const body = JSON.stringify({ version: protocolVersion, kind: 'node', adapter: 'no GPU', name });
  const response = await request('workers', { method: 'POST', body });
  return response.json<RegisteredWorker>();
}

/** Stores a text as a dataset and returns its hash. */
export async function upload(text = 'Call me Ishmael. '.repeat(100)): Promise<string> {
  const sha256 = sha256Hex(utf8(text));
  const response = await asOwner(`datasets/${sha256}?source=test`, 'PUT', text);
  if (response.status !== 201) throw new Error(await response.text());
  return sha256;
}

/** 512 tokens a local step, 2 steps a round for the fastest worker. */
export function manifest(sha256: string, change: Partial<ManifestInput['spec']> = {}): ManifestInput {
  return {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'whale' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt' },
      data: { source: `dataset:${sha256}` },
      rounds: { innerSteps: 2, compression: 'int8' }, // which workers of every protocol can read
      resources: { workers: { min: 2, max: 4 } },
      runtime: { maxTokens: 6_144 },
      ...change,
    },
  };
}

export async function submit(change: Partial<ManifestInput['spec']> = {}): Promise<JobView> {
  const response = await asOwner('jobs', 'POST', JSON.stringify(manifest(await upload(), change)));
  if (response.status !== 201) throw new Error(await response.text());
  return response.json<JobView>();
}

/** Waits until `check` returns something other than null or false. */
export async function until<T>(
  check: () => Promise<T | null | false> | T | null | false,
  what: string,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
