// The headless workers of this machine: child processes, so that each has a GPU device and a crash of its own. They end with
// us, however we end: their channel to us closes.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { projectFolder } from '../../node/embed/project.ts';
import type { HeadlessOptions } from '../../node/headless.ts';
import { backoffMs } from '../../timing/backoff.ts';
import { sleep } from '../../timing/wait.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';

export interface CrewOptions {
  coordinator: string; // URL
  workers: number;
  /** Folder where each keeps its identity and state in a folder of its own; null keeps them in memory. */
  data: string | null;
  /** Starts a worker again that ended, as long as the crew works. */
  restart: boolean;
  /** Told which backend each worker runs on and why, and how it ended. */
  log: (line: string) => void;
  /** Aborts when the user ends everything: workers hear a terminal's Ctrl-C themselves, and how they end is no news then. */
  signal: AbortSignal;
  onSnapshot?: (name: string, snapshot: WorkerSnapshot) => void;
}

const graceMs = 8000;
const entry = join(projectFolder, 'client', 'node', 'main.ts');

export class Crew {
  readonly #options: CrewOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #stopping = new AbortController();
  #backendLine = ''; // the last one said: workers of one machine mostly have the same

  constructor(options: CrewOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stopping.abort(), { once: true });
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
    const { coordinator, log } = this.#options;
    const data = this.#options.data && join(this.#options.data, name);
    const always = { backend: 'auto', load: 1, once: false, json: true } as const;
    const options: HeadlessOptions = { coordinator, name, data, ...always };
    const child = spawn(process.execPath, [entry, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#children.set(name, child);
    let last: WorkerSnapshot | null = null;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const snapshot = snapshotIn(line);
      if (snapshot === null) return log(`${name}: ${line}`);
      this.#tell(name, snapshot, last);
      last = snapshot;
    });
    createInterface({ input: child.stderr! }).on('line', (line) => log(`${name}: ${line}`));
    return new Promise((resolve) => {
      const done = (how: string): void => {
        this.#children.delete(name);
        resolve(last?.phase === 'failed' ? last.reason : how);
      };
      child.on('error', (error) => done(error.message));
      child.on('exit', (code, signal) => done(signal === null ? `exit code ${code}` : signal));
    });
  }

  #tell(name: string, now: WorkerSnapshot, last: WorkerSnapshot | null): void {
    if (now.backend !== null && last?.backend === null) {
      const { adapter, why } = now.backend;
      const line = `trains on ${adapter}: ${why}`;
      if (line !== this.#backendLine) this.#options.log(`${name} ${line}`);
      this.#backendLine = line;
    }
    this.#options.onSnapshot?.(name, now);
  }
}

/** Null for a line that native code wrote. */
function snapshotIn(line: string): WorkerSnapshot | null {
  try {
    return JSON.parse(line) as WorkerSnapshot; // of our own child
  } catch {
    return null;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT'); // at once: the coordinator ends too
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
