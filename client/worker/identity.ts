// Who this worker is at a coordinator: an id and the token that proves it. Kept, so that a restarted worker is the same one.

import { z } from 'zod';
import { registeredWorker } from '../../shared/api/schemas.ts';
import { utf8 } from '../../shared/bytes.ts';
import type { CoordinatorApi, WorkerDescription } from './coordinator-api.ts';
import type { Store } from './store.ts';

const name = 'worker.json';
const kept = registeredWorker.extend({ coordinator: z.string() });

/** Registers unless the store knows us at this coordinator; gives the API its token. Returns the worker's id. */
export async function identify(api: CoordinatorApi, store: Store, description: WorkerDescription): Promise<string> {
  const known = await readIdentity(store, api.url.href);
  const { workerId, token } = known ?? (await api.register(description));
  if (known === null) await store.put(name, utf8(JSON.stringify({ workerId, token, coordinator: api.url.href })));
  api.token = token;
  return workerId;
}

/** The coordinator does not know us any more. */
export async function forgetIdentity(store: Store): Promise<void> {
  await store.delete(name);
}

async function readIdentity(store: Store, coordinator: string): Promise<z.infer<typeof kept> | null> {
  const bytes = await store.get(name);
  if (bytes === null) return null;
  try {
    const identity = kept.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return identity.coordinator === coordinator ? identity : null;
  } catch {
    return null; // unreadable: register again
  }
}
