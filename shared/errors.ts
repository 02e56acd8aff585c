// One error class for every room. `code` is stable and machine readable; `message` says what is wrong, `where` locates it
// (a manifest path, a message field, a file) and `allowed` says what would have been accepted.

export type ErrorCode =
  | 'invalid_manifest' // a manifest field is missing, unknown or out of range
  | 'invalid_request' // a REST body, query or path does not parse
  | 'invalid_message' // a WebSocket message does not parse
  | 'invalid_frame' // a binary peer frame or payload does not parse
  | 'message_too_large' // a message, frame or body is over its limit
  | 'unsupported_version' // the other side speaks a protocol version this build does not
  | 'unauthorized' // no token, or one the coordinator did not issue
  | 'forbidden' // a good token without the right to do this
  | 'not_found' // no such job, worker, dataset, checkpoint or artifact
  | 'conflict' // the request was valid earlier or elsewhere: stale lease, finished job, closed round
  | 'rate_limited' // too many requests from one sender
  | 'data_unavailable' // a data source cannot be read or is empty
  | 'no_backend' // neither WebGPU nor the CPU backend can run this program here
  | 'device_lost' // the GPU device went away in mid-step
  | 'unavailable' // the other side cannot be reached, or gave up waiting
  | 'internal'; // a defect of ours

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  where?: string;
  allowed?: string;
}

/** The HTTP status each code is answered with: the only place where the two are related. */
export const httpStatus: Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 413 | 422 | 426 | 429 | 500 | 503> = {
  invalid_manifest: 422,
  invalid_request: 400,
  invalid_message: 400,
  invalid_frame: 400,
  message_too_large: 413,
  unsupported_version: 426,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  data_unavailable: 422,
  no_backend: 500,
  device_lost: 500,
  unavailable: 503,
  internal: 500,
};

export class LoomError extends Error {
  override readonly name = 'LoomError';
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly allowed: string | undefined;

  constructor(code: ErrorCode, message: string, details: { where?: string; allowed?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where;
    this.allowed = details.allowed;
  }

  /** The JSON form that REST answers and `refused` messages carry. */
  toJSON(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.where !== undefined && { where: this.where }),
      ...(this.allowed !== undefined && { allowed: this.allowed }),
    };
  }

  /** Rebuilds an error that came over the wire as `toJSON` wrote it. */
  static from(body: ErrorBody): LoomError {
    return new LoomError(body.code, body.message, body);
  }
}

/** One line for people: `where: what is wrong (allowed: …)`. */
export function describeError(error: unknown): string {
  if (!(error instanceof LoomError)) return error instanceof Error ? error.message : String(error);
  const place = error.where === undefined ? '' : `${error.where}: `;
  const allowed = error.allowed === undefined ? '' : ` (allowed: ${error.allowed})`;
  return `${place}${error.message}${allowed}`;
}
