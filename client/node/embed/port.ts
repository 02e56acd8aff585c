// Which port to listen on.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoomError } from '../../../shared/errors.ts';

/** A killed process may hold its port for a moment after it is gone: its last threads end after its first. */
const patienceMs = 3000;

/**
 * The preferred port if it is free, else any free one. 0 prefers none. A fixed one is waited for, three seconds at most.
 * @throws LoomError `conflict` when `isFixed` and the port is taken.
 */
export async function choosePort(host: string, preferred: number, isFixed: boolean): Promise<number> {
  const giveUpAt = performance.now() + (isFixed ? patienceMs : 0);
  let port = await tryPort(host, preferred);
  while (port === null && performance.now() < giveUpAt) {
    await sleep(100);
    port = await tryPort(host, preferred);
  }
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
