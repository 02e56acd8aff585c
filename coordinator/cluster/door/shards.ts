// Into how many Durable Objects the sockets of a large job are divided, and which one is whose. An object is one thread with
// 128 MB, good for about 1,000 sockets. All is computed from the manifest, which never changes, and from a name, so that
// nobody has to remember where somebody is. Pure.

import { fnv1a } from '../../../shared/fnv.ts';
import { manyWorkers } from '../../../shared/manifest/workers.ts';

/** Ids are spread by chance, so some gate of thirteen holds a tenth more than this. */
const workersOfGate = 800;
/** When groups are dealt anew all dial at once, some two hundred signals each; so a share of the signalling is smaller. */
const peersOfSignalling = 250;

/** How many gates a job has; 0 means that its room holds the sockets itself. */
export function gatesFor(maxWorkers: number): number {
  return maxWorkers <= manyWorkers ? 0 : Math.ceil(maxWorkers / workersOfGate);
}

/** How many objects do a job's signalling. */
export function signallingFor(maxWorkers: number): number {
  return maxWorkers <= manyWorkers ? 1 : Math.ceil(maxWorkers / peersOfSignalling);
}

/** Whose shard a name falls into, from 0. */
export function shardOf(name: string, shards: number): number {
  return fnv1a(name) % shards;
}

/** A shard's Durable Object is named by its job and its number of so many: another division is another object. */
export interface Shard {
  jobId: string;
  index: number;
  shards: number;
}

export function shardName({ jobId, index, shards }: Shard): string {
  return shards === 1 ? jobId : `${jobId}/${index}/${shards}`;
}

/** Undoes `shardName`. */
export function parseShardName(name: string): Shard {
  const [jobId = '', index = '0', shards = '1'] = name.split('/');
  return { jobId, index: Number(index), shards: Number(shards) };
}
