// `loomos tune`: measures tile shapes of matrix products on this machine's GPU, and keeps the fastest for later jobs.

import { columns } from '../columns.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { readManifestFile } from '../job/manifest-file.ts';
import type { Tuning } from '../local/tuning.ts';

export const tune: Command = {
  name: 'tune',
  summary: "measure this GPU's fastest tiles for the products of a job",
  details: `
Tries a few tile shapes for each class of matrix products in the job's training step, compares every one with the
reference, and keeps the fastest in .loomos/tuning, under a name made of the adapter, its driver and the kernels.
Workers do the same by themselves for at most three seconds; this takes its time, and says what it found.`,
  arguments: ['MANIFEST'],
  run: async ({ arguments: [file], terminal }) => {
    const manifest = await readManifestFile(file!);
    const { tuneFor } = await import('../local/tuning.ts'); // the kernels: nothing other commands need
    const tuning = await tuneFor(manifest);
    terminal.result(tuning, describe(tuning));
    return exitCode.ok;
  },
};

function describe({ adapter, table, tuned }: Tuning): string {
  const file = `.loomos/tuning/${table}.json`;
  if (tuned.length === 0) return `${adapter}: every product of this job is tuned already (${file})`;
  const rows = tuned.map(({ shapeClass, choice, microseconds, untunedMicroseconds, refused }) => [
    shapeClass,
    `${choice.tile}`,
    `${choice.parts}`,
    microseconds.toFixed(0),
    untunedMicroseconds.toFixed(0),
    `${refused}`,
  ]);
  return [
    adapter,
    columns([['product', 'tile', 'parts', 'us', 'us before', 'refused'], ...rows]),
    `kept in ${file}`,
  ].join('\n');
}
