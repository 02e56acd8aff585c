// The headless worker: a contributor in a Node process, with what it does told line by line.

import { cpus } from 'node:os';
import { spawnTrainer } from '../train/thread/thread.node.ts';
import { contribute } from '../worker/contribute.ts';
import type { WorkerSnapshot } from '../worker/events.ts';
import { MemoryStore } from '../worker/store.ts';
import { eventLines } from './event-lines.ts';
import { FolderStore } from './folder-store.ts';
import { createPeer } from './rtc.ts';

/** Plain values: they cross to the process of a worker as JSON. */
export interface HeadlessOptions {
  coordinator: string; // URL
  name: string;
  data: string | null; // folder; null keeps everything in memory
  backend: 'auto' | 'webgpu' | 'cpu';
  load: number; // fraction of the time the device may be busy, 0.05..1
  once: boolean; // end after one job
  json: boolean; // a JSON line for every snapshot, instead of lines for people
}

/** Contributes until `signal` aborts (SIGTERM as its reason lets it finish the part in hand), the worker fails, or with `once` a job has ended. Returns the exit code. */
export async function runHeadless(
  options: HeadlessOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<number> {
  const { coordinator, name, data, backend, load, once, json } = options;
  const describe = eventLines();
  const show = (snapshot: WorkerSnapshot): void => {
    for (const line of json ? [JSON.stringify(snapshot)] : describe(snapshot)) print(line);
  };
  const contributor = contribute({
    coordinator: new URL(coordinator),
    kind: 'node',
    name,
    backend,
    load,
    once,
    adapter: cpus()[0]?.model ?? process.arch,
    store: data === null ? new MemoryStore() : new FolderStore(data),
    createTrainer: spawnTrainer,
    createPeer,
    onSnapshot: show,
  });
  const stop = (): void =>
    void (signal.reason === 'SIGTERM' ? contributor.drain('its process was told to end') : contributor.stop());
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const { phase } = await contributor.done;
  return phase === 'failed' ? 1 : 0;
}
