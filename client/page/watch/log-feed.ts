// The log of the shown job, as it is written: one feed at a time. The feed of an ended job ends by itself.

import type { LogLine } from '../../../shared/api/schemas.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { sleep } from '../../timing/wait.ts';

const retryMs = 5000;

export interface LogFeed {
  /** Follows this job's log from its beginning instead of the one before; null follows none. */
  follow(id: string | null): void;
}

export function createLogFeed(client: LoomOSClient, onLine: (id: string, line: LogLine) => void): LogFeed {
  let followed: string | null = null;
  let current = new AbortController();
  return {
    follow(id) {
      if (id === followed) return;
      followed = id;
      current.abort();
      current = new AbortController();
      if (id !== null) void read(client, id, onLine, current.signal);
    },
  };
}

/** Comes back after the coordinator was away; whoever is told the lines knows which ones are new. */
async function read(
  client: LoomOSClient,
  id: string,
  onLine: (id: string, line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const line of client.followLogs(id, { signal })) onLine(id, line);
      return;
    } catch {
      await sleep(retryMs, signal);
    }
  }
}
