// Where a worker keeps bytes: the datasets it fetched, and the agreed state and payloads that a restart must not lose. A
// folder in Node (client/node/folder-store.ts), the browser's cache in a page (page-store.ts), or memory.

/** Names are paths with forward slashes, such as `datasets/HASH`. */
export interface Store {
  get(name: string): Promise<Uint8Array | null>;
  /** At most `length` bytes from `offset` on; null when there is nothing by this name. */
  read(name: string, offset: number, length: number): Promise<Uint8Array | null>;
  /** Bytes of it; null when there is nothing by this name. */
  size(name: string): Promise<number | null>;
  /** All or nothing: a reader sees the old bytes or the new, also after a crash. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  delete(name: string): Promise<void>;
  /** Names that begin with `folder` and a slash. */
  list(folder: string): Promise<string[]>;
}

export class MemoryStore implements Store {
  private readonly entries = new Map<string, Uint8Array>();

  async get(name: string): Promise<Uint8Array | null> {
    return this.entries.get(name) ?? null;
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array | null> {
    return this.entries.get(name)?.slice(offset, offset + length) ?? null;
  }

  async size(name: string): Promise<number | null> {
    return this.entries.get(name)?.length ?? null;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.entries.set(name, bytes);
  }

  async delete(name: string): Promise<void> {
    this.entries.delete(name);
  }

  async list(folder: string): Promise<string[]> {
    return [...this.entries.keys()].filter((name) => name.startsWith(`${folder}/`));
  }
}
