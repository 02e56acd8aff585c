// A job's data: fetched once, checked against its SHA-256, and kept.

import { sha256Hex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { CoordinatorApi } from './coordinator-api.ts';
import type { Store } from './store.ts';

/** @throws LoomError `data_unavailable` if the coordinator serves other bytes than it promised. */
export async function loadDataset(api: CoordinatorApi, store: Store, sha256: string): Promise<Uint8Array> {
  const name = `datasets/${sha256}`;
  const kept = await store.get(name);
  if (kept !== null && sha256Hex(kept) === sha256) return kept;
  const fetched = await api.dataset(sha256);
  if (sha256Hex(fetched) !== sha256) {
    throw new LoomError('data_unavailable', 'the data arrived with another checksum than the job names', {
      where: sha256,
    });
  }
  await store.put(name, fetched);
  return fetched;
}
