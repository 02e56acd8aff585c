import { mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { utf8 } from '../../shared/bytes.ts';
import { MemoryStore } from '../worker/store.ts';
import type { Store } from '../worker/store.ts';
import { FolderStore } from './folder-store.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'loomos-store-'));
/** Above the highest id that Linux gives. */
const noProcess = 2 ** 22 + 1;
const stores: [string, () => Store][] = [
  ['a folder', () => new FolderStore(newFolder())],
  ['memory', () => new MemoryStore()],
];

test.each(stores)('%s gives back what was put, lists it by folder, and forgets it', async (_, create) => {
  const store = create();
  expect(await store.get('jobs/a/state')).toBeNull();
  expect(await store.list('jobs')).toEqual([]);
  await store.put('jobs/a/state', utf8('one'));
  await store.put('jobs/a/state', utf8('two'));
  await store.put('jobs/b/payloads/1-ff', utf8('three'));
  await store.put('jobs.txt', utf8('no folder'));
  expect(await store.get('jobs/a/state').then((bytes) => [...bytes!])).toEqual([...utf8('two')]);
  expect((await store.list('jobs')).toSorted()).toEqual(['jobs/a/state', 'jobs/b/payloads/1-ff']);
  await store.delete('jobs/a/state');
  await store.delete('jobs/a/state');
  expect(await store.list('jobs/a')).toEqual([]);
});

test('what a kill left half written is not there, and leaves no mark on what is', async () => {
  const folder = newFolder();
  const store = new FolderStore(folder);
  await store.put('state', utf8('whole'));
  const ofLiving = `state.${process.ppid}-0.part`;
  writeFileSync(join(folder, ofLiving), 'ha');
  expect(await store.list('.')).toEqual(['state']);
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.put('state', new Uint8Array(1000).fill(i))));
  const bytes = (await store.get('state'))!;
  expect(new Set(bytes).size).toBe(1); // one of them, not a mixture
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([ofLiving]);
});

test('what killed processes left half written is cleared away', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'jobs', 'a'), { recursive: true });
  const leftovers = [`jobs/a/state.${noProcess}-7.part`, `state.${process.pid}-3.part`];
  for (const name of leftovers) {
    writeFileSync(join(folder, name), 'ha');
    utimesSync(join(folder, name), 1, 1); // before this process began, when another had its id
  }
  await new FolderStore(folder).put('jobs/a/state', utf8('whole'));
  expect(readdirSync(folder, { recursive: true })).toEqual(['jobs', 'jobs/a', 'jobs/a/state']);
});

test.each(stores)('%s reads a part of what was put, and knows its size', async (_, create) => {
  const store = create();
  await store.put('a/b', Uint8Array.of(1, 2, 3, 4, 5));
  expect([...(await store.read('a/b', 1, 3))!]).toEqual([2, 3, 4]);
  expect([...(await store.read('a/b', 4, 9))!]).toEqual([5]);
  expect([await store.size('a/b'), await store.size('none'), await store.read('none', 0, 1)]).toEqual([5, null, null]);
});
