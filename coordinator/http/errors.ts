// The one place where an error becomes an HTTP answer.

import type { Context } from 'hono';
import { httpStatus, LoomError } from '../../shared/errors.ts';
import type { App } from './app.ts';

export function answerError(error: Error, c: Context<App>): Response {
  const known = error instanceof LoomError ? error : defect(error, c.req.path);
  return errorResponse(known);
}

export function answerNotFound(c: Context<App>): Response {
  return errorResponse(new LoomError('not_found', `no ${c.req.method} ${c.req.path}`));
}

export function errorResponse(error: LoomError): Response {
  return Response.json({ error: error.toJSON() }, { status: httpStatus[error.code] });
}

/** What we did not foresee: the details go to the log, not to the caller. */
function defect(error: Error, path: string): LoomError {
  console.error(`unexpected error at ${path}:`, error);
  return new LoomError('internal', 'the coordinator failed; its log says why');
}
