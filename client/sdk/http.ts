// One HTTP exchange with a coordinator: the owner token goes along, an error body becomes a LoomError, and what the other
// side cannot serve just now is tried again.

import { z } from 'zod';
import { fenceHeader } from '../../shared/api/leadership.ts';
import type { Bytes } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { ErrorBody, ErrorCode } from '../../shared/errors.ts';
import { backoffMs } from '../timing/backoff.ts';
import { sleep, within } from '../timing/wait.ts';

export interface HttpOptions {
  url: string;
  ownerToken?: string;
  /** The fence with which the caller leads its cluster: goes along with what changes something. @throws when it does not lead */
  fence?: () => number;
  /** How often to try; 1 never tries again. Default 5. */
  attempts?: number;
  /** Milliseconds until the answer must have begun, besides the time that a body takes on a slow line. Default 60,000. */
  timeoutMs?: number;
  /** Ends every request when it aborts, the body of its answer included. */
  signal?: AbortSignal;
  fetch?: typeof fetch;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  random?: () => number;
}

export interface HttpRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  /** Sent once only if the connection breaks, because it may have arrived; an answer of 503 or 429 is tried again. */
  isUnsafe?: boolean;
  signal?: AbortSignal | undefined;
}

/** So slow may a line be that carries a request's body. */
const slowestBytesPerMs = 64;

const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    where: z.string().optional(),
    allowed: z.string().optional(),
  }),
});

type Optional = 'ownerToken' | 'fence' | 'signal';

export class Http {
  readonly #options: Required<Omit<HttpOptions, Optional>> & Pick<HttpOptions, Optional>;

  constructor(options: HttpOptions) {
    this.#options = {
      url: options.url.replace(/\/+$/, ''),
      ...(options.ownerToken !== undefined && { ownerToken: options.ownerToken }),
      ...(options.fence !== undefined && { fence: options.fence }),
      ...(options.signal !== undefined && { signal: options.signal }),
      attempts: options.attempts ?? 5,
      timeoutMs: options.timeoutMs ?? 60_000,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      sleep: options.sleep ?? sleep,
      random: options.random ?? Math.random,
    };
  }

  /** The parsed body of a successful answer. @throws LoomError, `internal` when the answer has another shape. */
  async json<T>(schema: z.ZodType<T>, request: HttpRequest): Promise<T> {
    const read = (response: Response): Promise<string> =>
      within(this.#options.timeoutMs, request.path, response.text());
    const result = schema.safeParse(parsed(await this.#retrying(request, read)));
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const where = [request.path, ...(issue?.path ?? [])].join('.');
    throw new LoomError('internal', `the coordinator answered something unexpected: ${issue?.message}`, { where });
  }

  /** The whole body of a successful answer, which may take as long as it moves. @throws LoomError as `send` */
  bytes(request: HttpRequest): Promise<Bytes> {
    return this.#retrying(request, ({ body }) => wholeOf(body, this.#options.timeoutMs, request.path));
  }

  /** A successful answer whose body is still to be read. @throws LoomError what the coordinator answered, or `unavailable`. */
  send(request: HttpRequest): Promise<Response> {
    return this.#retrying(request, async (response) => response);
  }

  async #retrying<T>(request: HttpRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { attempts, random } = this.#options;
    this.#options.fence?.(); // who does not lead asks nothing
    const signal = anyOf(this.#options.signal, request.signal);
    for (let attempt = 0; ; attempt++) {
      const { value, error, mayRetry } = await this.#try({ ...request, signal }, read);
      if (error === undefined) return value!;
      if (!mayRetry || attempt + 1 >= attempts || signal?.aborted) throw error;
      await this.#options.sleep(backoffMs(attempt, random, 250, 4000), signal);
    }
  }

  async #try<T>(
    request: HttpRequest,
    read: (response: Response) => Promise<T>,
  ): Promise<{ value?: T; error?: LoomError; mayRetry?: boolean }> {
    let response: Response | null = null;
    try {
      response = await this.#fetch(request);
      if (response.ok) return { value: await read(response) };
    } catch (cause) {
      const { url } = this.#options;
      const message = response === null ? `cannot reach the coordinator at ${url}` : `an answer of ${url} broke off`;
      return { error: new LoomError('unavailable', message, { cause }), mayRetry: request.isUnsafe !== true };
    }
    const error = await errorOf(response, request.path);
    return { error, mayRetry: error.code === 'unavailable' || error.code === 'rate_limited' };
  }

  /** Bounded until the headers arrive; a body may take as long as it moves. */
  async #fetch(request: HttpRequest): Promise<Response> {
    const { url, ownerToken, timeoutMs, fence } = this.#options;
    const target = new URL(`${url}/api/v1${request.path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const late = new AbortController();
    const waitMs = timeoutMs + (request.body?.length ?? 0) / slowestBytesPerMs;
    const timer = setTimeout(() => late.abort(new Error(`no answer after ${Math.round(waitMs)} ms`)), waitMs);
    try {
      return await this.#options.fetch(target, {
        method: request.method ?? 'GET',
        headers: {
          ...(ownerToken !== undefined && { authorization: `Bearer ${ownerToken}` }),
          ...(fence !== undefined && request.method === 'POST' && { [fenceHeader]: String(fence()) }),
          ...request.headers,
        },
        signal: anyOf(late.signal, request.signal)!,
        ...(request.body !== undefined && { body: request.body }),
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

function anyOf(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}

/** @param stallMs after which a body that does not move is given up */
async function wholeOf(body: ReadableStream<Uint8Array> | null, stallMs: number, what: string): Promise<Bytes> {
  if (body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(stallMs, what, reader.read());
      if (done) return joined(parts);
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined); // the connection may be gone already
    throw error;
  }
}

function joined(parts: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which fits no schema
  }
}

/** The LoomError that the coordinator sent, or one made from the status where something between us answered. */
async function errorOf(response: Response, path: string): Promise<LoomError> {
  const body = errorBody.safeParse(await response.json().catch(() => undefined));
  if (body.success) return LoomError.from({ ...body.data.error, code: body.data.error.code as ErrorCode } as ErrorBody);
  const code = response.status >= 500 ? 'unavailable' : response.status === 404 ? 'not_found' : 'invalid_request';
  return new LoomError(code, `the coordinator answered ${response.status} ${response.statusText}`.trim(), {
    where: path,
  });
}
