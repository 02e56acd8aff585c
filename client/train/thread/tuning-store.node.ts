// Tables of the autotuner in Node: a file each in .loomos/tuning, which can be copied to another machine of the same kind.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TuningStore } from '../../../kernels/tune/table.ts';

export function fileTuningStore(folder: string): TuningStore {
  const fileOf = (name: string) => join(folder, `${name}.json`);
  return {
    load: (name) => readFile(fileOf(name), 'utf8').catch(() => null),
    async save(name, text) {
      await mkdir(folder, { recursive: true });
      await writeFile(fileOf(name), text);
    },
  };
}
