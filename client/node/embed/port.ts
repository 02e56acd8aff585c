// Which port to listen on.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoomError } from '../../../shared/errors.ts';

/** A killed process may hold its port for a moment after it is gone: its last threads end after its first. */
const patienceMs = 15_000;

export interface PortOptions {
  host: string;
  preferred: number; // 0 prefers none
  /** Whether another port will not do: a taken one is waited for, 15 seconds at most. */
  isFixed: boolean;
  /** Told once that the port is waited for. */
  log: (line: string) => void;
  patienceMs?: number;
}

/**
 * The preferred port if it is free, else any free one.
 * @throws LoomError `conflict` when `isFixed` and the port stays taken.
 */
export async function choosePort(options: PortOptions): Promise<number> {
  const { host, preferred, isFixed } = options;
  const port = (await tryPort(host, preferred)) ?? (isFixed ? await waitForPort(options) : await tryPort(host, 0));
  if (port !== null) return port;
  const allowed = 'a free port, or 0 for any';
  throw new LoomError('conflict', `port ${preferred} is taken`, { where: '--port', allowed });
}

async function waitForPort({ host, preferred, log, ...options }: PortOptions): Promise<number | null> {
  const waitMs = options.patienceMs ?? patienceMs;
  const giveUpAt = performance.now() + waitMs;
  log(`port ${preferred} is taken: waiting up to ${waitMs / 1000} s for whoever has it to end`);
  while (performance.now() < giveUpAt) {
    await sleep(100);
    const port = await tryPort(host, preferred);
    if (port !== null) return port;
  }
  return null;
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
