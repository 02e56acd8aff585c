// The tiny models that models.py and qwen3.py made, as the folders they lie in.

import { readFile } from 'node:fs/promises';
import { packFolder } from '../../client/models/files/pack.ts';
import type { ReadFile } from '../../client/models/files/pack.ts';

export type ModelName = 'gpt2' | 'llama' | 'qwen2' | 'qwen3';

export const modelNames: readonly ModelName[] = ['gpt2', 'llama', 'qwen2', 'qwen3'];

/** Reads a folder's files, some of them replaced; null for a file takes it away. */
export function folderOf(name: ModelName, changes: Readonly<Record<string, Uint8Array | null>> = {}): ReadFile {
  return async (file) => {
    if (file in changes) return changes[file]!;
    return readFile(new URL(`models/${name}/${file}`, import.meta.url)).catch(() => null);
  };
}

export function packedModel(name: ModelName): Promise<Uint8Array> {
  return packFolder(folderOf(name));
}
