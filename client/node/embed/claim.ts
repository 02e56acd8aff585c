// One coordinator per data folder. The folder names the process that uses it; what a killed process left behind is
// cleared away, its workerd included, because two of them on the same SQLite files would destroy them.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoomError } from '../../../shared/errors.ts';
import { isRunning } from '../processes.ts';

export interface Claim {
  /** Writes where the coordinator answers, for others on this machine. */
  announce(url: string): void;
  release(): void;
}

interface Holder {
  pid: number;
  startedAt: string; // tells this process from a later one with the same id
  url: string | null;
}

const fileName = 'coordinator.json';

/** @throws LoomError `conflict` while another live process holds the folder. */
export function claimFolder(data: string): Claim {
  mkdirSync(data, { recursive: true });
  const holder = readHolder(data);
  if (holder !== null) {
    const where = holder.url === null ? '' : ` at ${holder.url}`;
    const allowed = 'another folder with --data, or stop that one first';
    throw new LoomError('conflict', `a coordinator already runs on this data (process ${holder.pid}${where})`, {
      where: data,
      allowed,
    });
  }
  endLeftover(data);
  const write = (url: string | null): void => {
    const holder: Holder = { pid: process.pid, startedAt: startOf(process.pid), url };
    const written = join(data, `${fileName}.part`);
    writeFileSync(written, JSON.stringify(holder));
    renameSync(written, join(data, fileName)); // whoever reads it meanwhile sees all of it
  };
  write(null);
  return { announce: write, release: () => rmSync(join(data, fileName), { force: true }) };
}

/** The live process that holds the folder, or null. */
export function readHolder(data: string): Holder | null {
  const holder = readJson(join(data, fileName)) as Holder | null;
  return holder !== null && holder.pid !== process.pid && isAlive(holder) ? holder : null;
}

/** Returns when it is gone, or after two seconds: its port and its files are ours only then. */
function endLeftover(data: string): void {
  const pid = readJson(join(data, 'workerd.pid'));
  if (typeof pid !== 'number' || !isWorkerd(pid)) return;
  process.kill(pid, 'SIGKILL');
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < 100 && isWorkerd(pid) && !isZombie(pid); i++) Atomics.wait(clock, 0, 0, 20);
}

function isAlive({ pid, startedAt }: Holder): boolean {
  return isRunning(pid) && startOf(pid) === startedAt && !isZombie(pid);
}

/** When a process started, in clock ticks since boot, from /proc; empty where there is no /proc. */
function startOf(pid: number): string {
  const afterName = readText(`/proc/${pid}/stat`).split(') ').at(-1) ?? ''; // a name may hold spaces
  return afterName.split(' ')[19] ?? '';
}

// Process ids are used again: only what /proc calls workerd is ended. Where there is no /proc, guard.sh ended it already.
function isWorkerd(pid: number): boolean {
  return readText(`/proc/${pid}/comm`).startsWith('workerd');
}

function isZombie(pid: number): boolean {
  return /^State:\s+Z/m.test(readText(`/proc/${pid}/status`));
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch {
    return null; // no such file, or a crash left a part of one
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // no such file: nothing was left behind
  }
}
