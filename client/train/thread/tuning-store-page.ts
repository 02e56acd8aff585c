// Tables of the autotuner in a browser: IndexedDB, one object store.

import type { TuningStore } from '../../../kernels/tune/table.ts';

const [database, tables] = ['loomos-tuning', 'tables'];

export const pageTuningStore: TuningStore = {
  async load(name) {
    const found: unknown = await settle((await open()).transaction(tables).objectStore(tables).get(name));
    return typeof found === 'string' ? found : null;
  },
  async save(name, text) {
    await settle((await open()).transaction(tables, 'readwrite').objectStore(tables).put(text, name));
  },
};

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(tables));
  return settle(request);
}

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')));
  });
}
