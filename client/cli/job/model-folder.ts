// From a manifest's `model.from` to the packed folder on this machine, read and checked as the workers will read it.

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bytes } from '../../../shared/bytes.ts';
import type { PretrainedSettings } from '../../../shared/manifest/model.ts';
import { packFolder, unusable } from '../../models/files/pack.ts';

/**
 * @param folder the manifest's, which relative paths are relative to
 * @returns the packed folder, or null for `dataset:`, which the coordinator has already
 * @throws LoomError `data_unavailable` at spec.model.from
 */
export async function readModelFolder(settings: PretrainedSettings, folder: string): Promise<Bytes | null> {
  const { from } = settings;
  if (from.startsWith('dataset:')) return null;
  const path = from.startsWith('file://') ? fileURLToPath(from) : from.slice('file:'.length);
  const home = resolve(folder, path);
  const isFolder = await stat(home).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw unusable(`there is no folder ${home}`, 'a folder, relative to the manifest or absolute');
  const packed = await packFolder((name) => readIfThere(join(home, name)));
  const { checkPretrained } = await import('../../models/pretrained.ts'); // the kernels: no other job needs them here
  checkPretrained(settings, packed);
  return packed;
}

async function readIfThere(file: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw unusable(`${file} cannot be read (${code})`, undefined, cause);
  }
}
