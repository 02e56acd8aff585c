// A manifest as workers of an earlier protocol read it. Their schema refuses fields that it does not know, so those that came later
// are left out where they say what was so before; a job that makes use of one is not for them. Whoever adds a field or a value to the
// manifest says it here; protocol/testing has what each version knew, and version.test.ts compares.

import { kindOf } from './compression.ts';
import type { Compression } from './compression.ts';
import type { Manifest } from './manifest.ts';
import { manyWorkers } from './workers.ts';

/** Fields below `spec` and the version they came with, and the values that change nothing for older workers. */
const added: Readonly<Record<string, readonly [since: number, ...same: unknown[]]>> = {
  adapter: [2, undefined],
  precision: [2, 'f32'],
  verification: [2, 'none'],
  'optimizer.accumulate': [2, 1],
  'optimizer.dropout': [2, 0],
  'optimizer.momentum': [2, 0.95], // muon's, which `gained` refuses
  'rounds.topology': [2, 'auto', 'mesh'],
  'runtime.recompute': [2, false],
  'rounds.exchange': [3, 'differences'],
  'rounds.fragments': [3, 1],
  'rounds.overlap': [3, false],
  'rounds.staleness': [3, 0],
};

type Knows = (value: unknown) => boolean;
const oneOf =
  (...values: unknown[]): Knows =>
  (value) =>
    values.includes(value);

/** Fields that gained values with a version, and those that older workers know. */
const gained: readonly (readonly [path: string, since: number, knows: Knows])[] = [
  ['model.kind', 2, oneOf('gpt')],
  ['optimizer.kind', 2, oneOf('adamw', 'sgd')],
  ['optimizer.kind', 3, oneOf('adamw', 'sgd', 'muon')],
  ['rounds.compression', 2, oneOf('none', 'int8')],
  ['rounds.compression', 3, (value) => kindOf(value as Compression) !== 'dct'],
  ['resources.workers', 3, (value) => (value as { max: number }).max <= manyWorkers], // more connect at gates
];

/** Null when the job needs what workers of this protocol do not know. */
export function manifestIn(version: number, manifest: Manifest): object | null {
  const spec = JSON.parse(JSON.stringify(manifest.spec)) as Record<string, unknown>; // plain data
  for (const [path, since, knows] of gained) {
    const { holder, name } = find(spec, path);
    if (version < since && !knows(holder[name])) return null;
  }
  for (const [path, [since, ...same]] of Object.entries(added)) {
    if (version >= since) continue;
    const { holder, name } = find(spec, path);
    if (name in holder && !same.includes(holder[name])) return null;
    delete holder[name];
  }
  return { ...manifest, spec };
}

function find(spec: Record<string, unknown>, path: string): { holder: Record<string, unknown>; name: string } {
  const [section, field] = path.split('.') as [string, string | undefined];
  if (field === undefined) return { holder: spec, name: section };
  return { holder: spec[section] as Record<string, unknown>, name: field };
}
