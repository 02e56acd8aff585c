// Answering with an object of R2, or a range of it.

import { LoomError } from '../../shared/errors.ts';
import { parseRange } from './range.ts';

export interface Served {
  what: string; // for the error when it is gone
  type: string; // media type
  immutable: boolean; // the URL names the content: caches may keep it for ever
}

/** @throws LoomError `not_found` when there is no object under the key. */
export async function serveObject(bucket: R2Bucket, key: string, request: Request, served: Served): Promise<Response> {
  const head = await bucket.head(key);
  if (head === null) throw new LoomError('not_found', `no such ${served.what}`);
  const headers = new Headers({
    'content-type': served.type,
    etag: head.httpEtag,
    'accept-ranges': 'bytes',
    'cache-control': served.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.headers.get('if-none-match') === head.httpEtag) return new Response(null, { status: 304, headers });
  const range = parseRange(request.headers.get('range'), head.size);
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${head.size}`);
    return new Response(null, { status: 416, headers });
  }
  const object = await bucket.get(key, range === null ? {} : { range });
  if (object === null) throw new LoomError('not_found', `no such ${served.what}`);
  headers.set('content-length', String(range?.length ?? head.size));
  if (range !== null)
    headers.set('content-range', `bytes ${range.offset}-${range.offset + range.length - 1}/${head.size}`);
  return new Response(object.body, { status: range === null ? 200 : 206, headers });
}
