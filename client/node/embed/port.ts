// Which port to listen on.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { LoomError } from '../../../shared/errors.ts';

/**
 * The preferred port if it is free, else any free one. 0 prefers none.
 * @throws LoomError `conflict` when `isFixed` and the port is taken.
 */
export async function choosePort(host: string, preferred: number, isFixed: boolean): Promise<number> {
  const port = await tryPort(host, preferred);
  if (port !== null) return port;
  if (isFixed)
    throw new LoomError('conflict', `port ${preferred} is taken`, {
      where: '--port',
      allowed: 'a free port, or 0 for any',
    });
  return (await tryPort(host, 0)) ?? preferred;
}

function tryPort(host: string, port: number): Promise<number | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(port, host, () => {
      const found = (server.address() as AddressInfo).port;
      server.close(() => resolve(found));
    });
  });
}
