// The headless workers of this machine: child processes, so that each has a GPU device and a crash of its own. They end with
// us, however we end: their channel to us closes.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { projectFolder } from '../node/embed/project.ts';
import { backoffMs } from '../timing/backoff.ts';
import { sleep } from '../timing/wait.ts';

export interface CrewOptions {
  coordinator: string; // URL
  workers: number;
  /** Starts a worker again that ended, as long as the crew works. */
  restart: boolean;
  /** Told what the workers print, and how they ended. */
  log: (line: string) => void;
}

const graceMs = 5000;
const entry = join(projectFolder, 'client', 'node', 'main.ts');

export class Crew {
  readonly #options: CrewOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #stopping = new AbortController();

  constructor(options: CrewOptions) {
    this.#options = options;
    for (let i = 1; i <= options.workers; i++) void this.#keep(`worker-${i}`);
  }

  /** How many workers are running. */
  get size(): number {
    return this.#children.size;
  }

  /** Asks every worker to leave its job, and ends those that do not. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#children.values()].map(end));
  }

  async #keep(name: string): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedAt = Date.now();
      const how = await this.#runOnce(name);
      if (signal.aborted) return;
      this.#options.log(`${name} ended: ${how}`);
      if (!this.#options.restart) return;
      if (Date.now() - startedAt > 60_000) attempt = 0;
      await sleep(backoffMs(attempt, Math.random, 1000, 30_000), signal);
    }
  }

  /** Resolves when the process is gone, with how it went. */
  #runOnce(name: string): Promise<string> {
    const child = spawn(process.execPath, [entry, '--coordinator', this.#options.coordinator, '--name', name], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#children.set(name, child);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#options.log(`${name}: ${line}`));
    }
    return new Promise((resolve) => {
      const done = (how: string): void => {
        this.#children.delete(name);
        resolve(how);
      };
      child.on('error', (error) => done(error.message));
      child.on('exit', (code, signal) => done(signal === null ? `exit code ${code}` : signal));
    });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
