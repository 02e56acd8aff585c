// A manifest as workers of protocol 1 read it. Their schema refuses fields that it does not know, so those that came later are
// left out where they say what was so before; a job that makes use of one is not for them.

import type { Manifest } from './manifest.ts';
import { manyWorkers } from './workers.ts';

/** Fields below `spec` that came later, with the values that change nothing for an older worker. */
const later: Readonly<Record<string, readonly unknown[]>> = {
  adapter: [undefined],
  precision: ['f32'],
  verification: ['none'],
  'optimizer.accumulate': [1],
  'optimizer.dropout': [0],
  'optimizer.momentum': [0.95], // muon's, which `known` refuses
  'rounds.exchange': ['differences'],
  'rounds.fragments': [1],
  'rounds.staleness': [0],
  'rounds.overlap': [false],
  'rounds.topology': ['auto', 'mesh'],
  'runtime.recompute': [false],
};

/** Fields that gained values, with those that older workers know. */
const known: Readonly<Record<string, readonly unknown[]>> = {
  'model.kind': ['gpt'],
  'optimizer.kind': ['adamw', 'sgd'],
  'rounds.compression': ['none', 'int8'],
};

/** Null when the job needs what workers of protocol 1 do not know. */
export function asVersion1(manifest: Manifest): object | null {
  if (manifest.spec.resources.workers.max > manyWorkers) return null; // they cannot say at which gate they belong
  const spec = JSON.parse(JSON.stringify(manifest.spec)) as Record<string, unknown>; // plain data;
  for (const [path, values] of Object.entries({ ...later, ...known })) {
    const { holder, name } = find(spec, path);
    if (name in holder && !values.includes(holder[name])) return null;
    if (path in later) delete holder[name];
  }
  return { ...manifest, spec };
}

function find(spec: Record<string, unknown>, path: string): { holder: Record<string, unknown>; name: string } {
  const [section, field] = path.split('.') as [string, string | undefined];
  if (field === undefined) return { holder: spec, name: section };
  return { holder: spec[section] as Record<string, unknown>, name: field };
}
