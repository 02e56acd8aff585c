// A headless worker beside the tabs: the command a user would type, as a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface HeadlessWorker {
  /** What it printed so far. */
  readonly output: string;
  /** Asks it to leave, as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<void>;
}

export function startHeadless(coordinator: string): HeadlessWorker {
  const child = spawn(process.execPath, ['client/cli/main.ts', 'worker', '--coordinator', coordinator], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    get output() {
      return output;
    },
    async stop() {
      child.kill('SIGINT');
      const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(impatience);
    },
  };
}
