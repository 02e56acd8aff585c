// A page's store: datasets outlive the page in the browser's cache, everything else lives as long as the tab.

import type { Store } from './store.ts';
import { MemoryStore } from './store.ts';

const cacheName = 'loomos-datasets';

export class PageStore extends MemoryStore implements Store {
  override async get(name: string): Promise<Uint8Array | null> {
    if (!isDataset(name)) return super.get(name);
    const cached = await (await openCache())?.match(urlOf(name));
    return cached === undefined ? null : new Uint8Array(await cached.arrayBuffer());
  }

  override async put(name: string, bytes: Uint8Array): Promise<void> {
    if (!isDataset(name)) return super.put(name, bytes);
    // A full disk or a private window only costs the next visit a download.
    await (await openCache())?.put(urlOf(name), new Response(bytes.slice())).catch(() => undefined);
  }

  override async delete(name: string): Promise<void> {
    if (!isDataset(name)) return super.delete(name);
    await (await openCache())?.delete(urlOf(name));
  }
}

function isDataset(name: string): boolean {
  return name.startsWith('datasets/');
}

/** Undefined where pages may not store, such as over plain HTTP. */
async function openCache(): Promise<Cache | undefined> {
  return globalThis.caches?.open(cacheName).catch(() => undefined);
}

function urlOf(name: string): string {
  return `/${cacheName}/${name}`;
}
