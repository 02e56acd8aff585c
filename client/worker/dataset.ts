// A job's data: fetched once, checked against its SHA-256, and kept.

import { sha256Hex, toHex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { CoordinatorApi } from './coordinator-api.ts';
import type { Store } from './store.ts';

/** @throws LoomError `data_unavailable` if the coordinator serves other bytes than it promised. */
export async function loadDataset(api: CoordinatorApi, store: Store, sha256: string): Promise<Uint8Array> {
  const name = `datasets/${sha256}`;
  const kept = await store.get(name);
  if (kept !== null && (await digest(kept)) === sha256) return kept;
  const fetched = await api.dataset(sha256);
  if ((await digest(fetched)) !== sha256) {
    throw new LoomError('data_unavailable', 'the data arrived with another checksum than the job names', {
      where: sha256,
    });
  }
  await store.put(name, fetched);
  return fetched;
}

/** Off this thread where the platform can, because a large dataset would make a page stutter. */
async function digest(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto as Partial<Crypto>; // pages have it over https only
  if (subtle === undefined) return sha256Hex(bytes);
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}
