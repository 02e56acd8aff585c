import { expect, test } from 'vitest';
import { sha256Hex, utf8 } from '../../shared/bytes.ts';
import { loadDataset } from './dataset.ts';
import { MemoryStore } from './store.ts';

/** Serves what was put in, and counts how often it is asked. */
class Served {
  asked = 0;
  private readonly texts = new Map<string, Uint8Array<ArrayBuffer>>();

  add(text: string): string {
    const bytes = utf8(text);
    this.texts.set(sha256Hex(bytes), bytes);
    return sha256Hex(bytes);
  }

  async dataset(sha256: string): Promise<Uint8Array<ArrayBuffer>> {
    this.asked += 1;
    return this.texts.get(sha256)!;
  }
}

test('data is fetched once', async () => {
  const [served, store] = [new Served(), new MemoryStore()];
  const whale = served.add('Call me Ishmael.');
  expect(await loadDataset(served, store, whale)).toEqual(utf8('Call me Ishmael.'));
  expect(await loadDataset(served, store, whale)).toEqual(utf8('Call me Ishmael.'));
  expect(served.asked).toBe(1);
});

test('what was used longest ago makes room for what is asked for', async () => {
  const [served, store] = [new Served(), new MemoryStore()];
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => served.add(letter.repeat(100))) as [string, string, string];
  for (const hash of [a, b, a, c]) await loadDataset(served, store, hash, 250);
  const kept = (await store.list('datasets')).toSorted();
  expect(kept).toEqual([`datasets/${a}`, `datasets/${c}`, 'datasets/uses.json'].toSorted());
  expect(served.asked).toBe(3);
});

test('data that no list names goes first, and a broken list is none', async () => {
  const [served, store] = [new Served(), new MemoryStore()];
  const [old, a, b] = ['old', 'a', 'b'].map((text) => served.add(text.padEnd(100))) as [string, string, string];
  await loadDataset(served, store, old, 250);
  await store.put('datasets/uses.json', utf8('{"sha256":'));
  for (const hash of [a, b]) await loadDataset(served, store, hash, 250);
  expect(await store.get(`datasets/${old}`)).toBeNull();
  expect(await store.get(`datasets/${a}`)).not.toBeNull();
});

test('data larger than all that is kept is served all the same; wrong bytes are refused', async () => {
  const [served, store] = [new Served(), new MemoryStore()];
  const large = served.add('x'.repeat(1000));
  expect(await loadDataset(served, store, large, 250)).toHaveLength(1000);
  const wrong = { dataset: async () => utf8('other') };
  await expect(loadDataset(wrong, new MemoryStore(), large)).rejects.toMatchObject({ code: 'data_unavailable' });
});
