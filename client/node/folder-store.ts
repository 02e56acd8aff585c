// A worker's store as a folder. A file is written beside its name and renamed, so a kill leaves the old bytes or the new; what it
// leaves half written is cleared away when the folder is written to again.

import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Store } from '../worker/store.ts';
import { isRunning } from './processes.ts';

export class FolderStore implements Store {
  private readonly folder: string;
  private writes = 0;
  private cleared: Promise<void> | null = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  get(name: string): Promise<Uint8Array | null> {
    return readFile(join(this.folder, name)).catch(nullIfMissing);
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array | null> {
    const file = await open(join(this.folder, name)).catch(nullIfMissing);
    if (file === null) return null;
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async size(name: string): Promise<number | null> {
    return (await stat(join(this.folder, name)).catch(nullIfMissing))?.size ?? null;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await (this.cleared ??= this.clearLeftovers());
    const file = join(this.folder, name);
    const written = `${file}.${process.pid}-${this.writes++}.part`;
    await mkdir(dirname(file), { recursive: true });
    try {
      await writeFile(written, bytes);
      await rename(written, file);
    } catch (error) {
      await rm(written, { force: true }); // a full disk gets no fuller
      throw error;
    }
  }

  async delete(name: string): Promise<void> {
    await rm(join(this.folder, name), { force: true });
  }

  async list(folder: string): Promise<string[]> {
    const files = (await this.files(folder)).filter((file) => !file.endsWith('.part'));
    return files.map((file) => relative(this.folder, file).split(sep).join('/'));
  }

  /** Paths of all files below a folder. */
  private async files(folder: string): Promise<string[]> {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = (await readdir(join(this.folder, folder), options).catch(nullIfMissing)) ?? [];
    return entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
  }

  private async clearLeftovers(): Promise<void> {
    for (const file of await this.files('.')) if (await isLeftover(file)) await rm(file, { force: true });
  }
}

/** Whether nobody writes this file any more: its process is gone, or another one had our id. */
async function isLeftover(file: string): Promise<boolean> {
  const pid = Number(/\.(\d+)-\d+\.part$/.exec(file)?.[1] ?? NaN);
  if (Number.isNaN(pid)) return false;
  if (pid !== process.pid) return !isRunning(pid);
  return ((await stat(file).catch(nullIfMissing))?.mtimeMs ?? Infinity) < performance.timeOrigin;
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
