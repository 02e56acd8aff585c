// A job's data: fetched once, checked against its SHA-256, and kept. What is kept is bounded: data used longest ago goes first.

import { z } from 'zod';
import { sha256Hex, toHex, utf8 } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { CoordinatorApi } from './coordinator-api.ts';
import type { Store } from './store.ts';

const folder = 'datasets';
/** Which data was used, the latest last. */
const usesName = `${folder}/uses.json`;
const mostKeptBytes = 2 ** 30;

const usesSchema = z.array(z.object({ sha256: z.string(), bytes: z.number() }));
type Use = z.infer<typeof usesSchema>[number];

/**
 * @param mostBytes of data kept in all, the asked one aside
 * @throws LoomError `data_unavailable` if the coordinator serves other bytes than it promised
 */
export async function loadDataset(
  api: Pick<CoordinatorApi, 'dataset'>,
  store: Store,
  sha256: string,
  mostBytes = mostKeptBytes,
): Promise<Uint8Array> {
  const kept = await store.get(nameOf(sha256));
  const isKept = kept !== null && (await digest(kept)) === sha256;
  const data = isKept ? kept : await fetchDataset(api, sha256);
  await makeRoom(store, { sha256, bytes: data.length }, mostBytes);
  if (!isKept) await store.put(nameOf(sha256), data);
  return data;
}

function nameOf(sha256: string): string {
  return `${folder}/${sha256}`;
}

async function fetchDataset(api: Pick<CoordinatorApi, 'dataset'>, sha256: string): Promise<Uint8Array> {
  const fetched = await api.dataset(sha256);
  if ((await digest(fetched)) !== sha256) {
    throw new LoomError('data_unavailable', 'the data arrived with another checksum than the job names', {
      where: sha256,
    });
  }
  return fetched;
}

async function makeRoom(store: Store, use: Use, mostBytes: number): Promise<void> {
  const others = (await usesOf(store)).filter(({ sha256 }) => sha256 !== use.sha256);
  let total = others.reduce((sum, { bytes }) => sum + bytes, use.bytes);
  while (others.length > 0 && total > mostBytes) {
    const oldest = others.shift()!;
    total -= oldest.bytes;
    await store.delete(nameOf(oldest.sha256));
  }
  await store.put(usesName, utf8(JSON.stringify([...others, use])));
}

/** Data that no list names is older than all that one does. */
async function usesOf(store: Store): Promise<Use[]> {
  const listed = parseUses(await store.get(usesName));
  const names = (await store.list(folder)).filter((name) => name !== usesName);
  const unlisted = names.map((name) => name.slice(folder.length + 1)).filter((sha256) => !isIn(listed, sha256));
  const sizes = await Promise.all(unlisted.map((sha256) => store.size(nameOf(sha256))));
  return [...unlisted.map((sha256, index) => ({ sha256, bytes: sizes[index] ?? 0 })), ...listed];
}

function isIn(uses: readonly Use[], sha256: string): boolean {
  return uses.some((use) => use.sha256 === sha256);
}

/** Whatever broke the list, the data is still there. */
function parseUses(bytes: Uint8Array | null): Use[] {
  try {
    return bytes === null ? [] : usesSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return [];
  }
}

/** Off this thread where the platform can, because a large dataset would make a page stutter. */
async function digest(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto as Partial<Crypto>; // pages have it over https only
  if (subtle === undefined) return sha256Hex(bytes);
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}
