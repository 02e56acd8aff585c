// What every route shares: the types of its context, and parsing. Nothing from outside is used before it went through here.

import type { Context } from 'hono';
import type { z } from 'zod';
import { LoomError } from '../../shared/errors.ts';
import type { Env } from '../env.ts';
import type { WorkerClaims } from '../security/token.ts';

export interface App {
  Bindings: Env;
  Variables: { worker: WorkerClaims };
}

/** @throws LoomError `invalid_request` naming the first wrong field below `where`. */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new LoomError('invalid_request', issue.message, { where: [where, ...issue.path].join('.') });
}

export function queryOf<T>(c: Context<App>, schema: z.ZodType<T>): T {
  return parseRequest(schema, c.req.query(), 'query');
}

export function pathOf<T>(c: Context<App>, name: string, schema: z.ZodType<T>): T {
  return parseRequest(schema, c.req.param(name), name);
}

/** The body as text. @throws LoomError `message_too_large` as soon as more than `maxBytes` arrived. */
export async function textOf(request: Request, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new LoomError('message_too_large', 'the body is too large', {
        where: 'body',
        allowed: `${maxBytes} bytes`,
      });
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The body as JSON. @throws LoomError `message_too_large`, `invalid_request`. */
export async function jsonOf<T>(request: Request, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  const text = await textOf(request, maxBytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new LoomError('invalid_request', 'the body is not JSON', { where: 'body', cause });
  }
  return parseRequest(schema, json, 'body');
}
