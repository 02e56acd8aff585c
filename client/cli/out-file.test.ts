import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFreeFolder, writeWhole } from './out-file.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'loomos-out-'));

test('a folder with the results of another job is left alone, one with the same job or none is free', () => {
  const folder = newFolder();
  expect(() => checkFreeFolder(folder, null)).not.toThrow();
  expect(() => checkFreeFolder(join(folder, 'not-there'), null)).not.toThrow();
  writeFileSync(join(folder, 'report.json'), JSON.stringify({ job: 'mine-1a2b3c' }));
  expect(() => checkFreeFolder(folder, 'mine-1a2b3c')).not.toThrow();
  for (const other of [null, 'mine-999999'])
    expect(() => checkFreeFolder(folder, other)).toThrow(/holds the results of mine-1a2b3c/);
});

test('a model without a report, or a report that is none, is another job too', () => {
  for (const name of ['model.safetensors', 'report.json']) {
    const folder = newFolder();
    writeFileSync(join(folder, name), 'x');
    expect(() => checkFreeFolder(folder, 'mine-1a2b3c')).toThrow(/holds the results of another job/);
  }
});

test('a write that fails leaves the older file and nothing beside it', async () => {
  const folder = newFolder();
  const file = join(folder, 'model.safetensors');
  await writeWhole(file, 'first');
  await writeWhole(file, 'second');
  expect(readFileSync(file, 'utf8')).toBe('second');
  await expect(writeWhole(join(folder, 'gone', 'x'), 'third')).rejects.toThrow('ENOENT');
  expect(readdirSync(folder)).toEqual(['model.safetensors']);
});
