// The page: whatever is not the API is a file of the built page, sent with headers that let it do what it does and no more.

import type { Context } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { App } from './app.ts';
import { answerNotFound } from './errors.ts';

/** Workers and WebAssembly come with the page; connections go to this coordinator (peers need no permission). */
export const pageHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    workerSrc: ["'self'", 'blob:'],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:', 'blob:'],
    connectSrc: ["'self'"],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  crossOriginOpenerPolicy: 'same-origin',
  referrerPolicy: 'no-referrer',
  strictTransportSecurity: false, // the host's business; the embedded coordinator speaks plain HTTP
  xFrameOptions: 'DENY',
});

export async function servePage(c: Context<App>): Promise<Response> {
  if (c.env.ASSETS === undefined || (c.req.method !== 'GET' && c.req.method !== 'HEAD')) return answerNotFound(c);
  const response = await c.env.ASSETS.fetch(c.req.raw);
  return new Response(response.body, response); // its headers may be added to
}
