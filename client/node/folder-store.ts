// A worker's store as a folder. A file is written beside its name and renamed, so a kill leaves the old bytes or the new.

import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Store } from '../worker/store.ts';

export class FolderStore implements Store {
  private readonly folder: string;
  private writes = 0;

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
    const file = join(this.folder, name);
    const written = `${file}.${process.pid}-${this.writes++}.part`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(written, bytes);
    await rename(written, file);
  }

  async delete(name: string): Promise<void> {
    await rm(join(this.folder, name), { force: true });
  }

  async list(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.folder, folder), { recursive: true, withFileTypes: true }).catch(
      nullIfMissing,
    );
    const files = (entries ?? []).filter((entry) => entry.isFile() && !entry.name.endsWith('.part'));
    return files.map((file) => relative(this.folder, join(file.parentPath, file.name)).split(sep).join('/'));
  }
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
