// A room that an earlier build of the coordinator stored, as this build knows it: jobs go on over an update of the Worker, with
// the open round and the court's trials as they were. Each version of the state has a step to the next. Whoever changes what is
// stored takes a new version, writes the step to it and freezes a state of the old one (upgrade.test.ts says how).

import { parseManifest } from '../../manifest/manifest.ts';
import type { RoomState } from '../types.ts';
import { toVersion2 } from './to-version-2.ts';
import type { Version1 } from './to-version-2.ts';
import { toVersion3 } from './to-version-3.ts';
import type { Version2 } from './to-version-3.ts';
import { toVersion4 } from './to-version-4.ts';
import type { Version3 } from './to-version-4.ts';

export type StoredRoom = Version1 | Version2 | Version3 | RoomState;

/**
 * The same room in today's version. Fields that manifests have had since it was submitted get their defaults.
 * @returns the same object when there is nothing to do
 */
export function upgraded(stored: StoredRoom): RoomState {
  const state = today(stored);
  const manifest = parseManifest(state.manifest);
  const isSame = state === stored && isLike(manifest, state.manifest);
  return isSame ? state : { ...state, manifest };
}

function today(stored: StoredRoom): RoomState {
  if (stored.version === 1) return today(toVersion2(stored));
  if (stored.version === 2) return today(toVersion3(stored));
  if (stored.version === 3) return today(toVersion4(stored));
  return stored;
}

/** As plain data; the order of fields may differ. */
function isLike(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [a, b].map((value) => Object.entries(value).filter(([, field]) => field !== undefined));
  const others = new Map<string, unknown>(right);
  return (
    left!.length === others.size && left!.every(([key, field]) => others.has(key) && isLike(field, others.get(key)))
  );
}
