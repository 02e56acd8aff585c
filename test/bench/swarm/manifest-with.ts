// A manifest with some fields changed, by their paths: `spec.rounds.innerSteps`.

import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';

/** @param written as an owner wrote it; not changed */
export function manifestWith(written: unknown, changes: Readonly<Record<string, unknown>>): Manifest {
  const value = structuredClone(written) as Record<string, unknown>;
  for (const [path, change] of Object.entries(changes)) {
    const keys = path.split('.');
    let at = value;
    for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
    at[keys.at(-1)!] = change;
  }
  return parseManifest(value);
}
