// A room's uploads: who may store what, where it lies in R2, and when it is dropped. Checkpoints and artifacts are fenced:
// each upload has a key of its own, which counts only if its lease is still held when the bytes are there. So a writer that
// lost its lease, or is done with it, overwrites nothing, however long ago its upload began.

import { LoomError } from '../../../shared/errors.ts';
import type { OpenLease, RoomState } from '../../../shared/rounds/types.ts';
import { isOver, staleness } from '../../../shared/rounds/views.ts';
import { uploadLimits } from './limits.ts';
import { randomName } from '../../security/ids.ts';
import type { RoomStore, Upload } from './room-store.ts';

export type UploadRequest =
  | { kind: 'checkpoint'; workerId: string; fence: number; round: number }
  | { kind: 'artifact'; workerId: string; fence: number; name: string }
  | { kind: 'relay'; workerId: string; hash: string };

export interface Permit {
  storeKey: string;
  maxBytes: number;
}

const maxArtifactFiles = 16;
const maxKeysPerDelete = 1_000;

export class Uploads {
  readonly #store: RoomStore;
  readonly #bucket: R2Bucket;
  readonly #prefix: string;

  constructor(store: RoomStore, bucket: R2Bucket, jobId: string) {
    this.#store = store;
    this.#bucket = bucket;
    this.#prefix = `jobs/${jobId}/`;
  }

  /** Whether an upload may begin; `add` checks again when it is done. @throws LoomError `forbidden` or `conflict` */
  permit(state: RoomState, request: UploadRequest): Permit {
    const { checkpointBytes, artifactBytes, payloadBytes } = uploadLimits(state.manifest);
    const storeKey = this.#keyOf(request);
    if (request.kind === 'relay') {
      findPayload(state, request);
      return { storeKey, maxBytes: payloadBytes };
    }
    const { fence } = checkLease(state, request);
    if (request.kind === 'checkpoint') return { storeKey, maxBytes: checkpointBytes };
    const { name } = request;
    const others = this.#store.uploads('artifact').filter((file) => file.fence === fence && file.name !== name);
    if (others.length >= maxArtifactFiles) throw tooManyFiles();
    return { storeKey, maxBytes: artifactBytes };
  }

  /**
   * Remembers an upload whose bytes are in R2 under its permit's key; while the lease is held it may be repeated. Returns the
   * bytes of its lease so far: an artifact has several files. @throws LoomError `conflict` when the lease was lost meanwhile
   */
  add(state: RoomState, request: UploadRequest, { storeKey, bytes }: Pick<Upload, 'storeKey' | 'bytes'>): number {
    const { kind } = request;
    const fence = kind === 'relay' ? 0 : request.fence;
    const { round } = kind === 'relay' ? findPayload(state, request) : checkLease(state, request);
    const name = kind === 'relay' ? request.hash : kind === 'checkpoint' ? String(round) : request.name;
    this.#store.addUpload({ kind, name, fence, round, storeKey, bytes });
    const ofLease = this.#store.uploads(kind).filter((upload) => upload.fence === fence);
    return ofLease.reduce((sum, upload) => sum + upload.bytes, 0);
  }

  /** The newest upload of that name. @throws LoomError `not_found` */
  find(kind: Upload['kind'], name: string): Upload {
    const uploads = kind === 'artifact' ? this.artifacts() : this.#store.uploads(kind);
    const upload = uploads.find((candidate) => candidate.name === name);
    if (upload === undefined) throw new LoomError('not_found', `no ${kind} ${name}`, { where: name });
    return upload;
  }

  /** The files of the latest lease. */
  artifacts(): Upload[] {
    const files = this.#store.uploads('artifact');
    return files.filter(({ fence }) => fence === files[0]?.fence);
  }

  /** Drops what nobody needs any more. The checkpoint before the current one stays: someone may be reading it. */
  async prune(state: RoomState): Promise<void> {
    const ended = isOver(state);
    const covered = state.checkpoint?.round ?? 0;
    const checkpoints = this.#store.uploads('checkpoint');
    const current = checkpoints.filter(({ round }) => round <= covered).slice(0, ended ? 1 : 2);
    const relayed = this.#store.uploads('relay').filter(({ round }) => ended || round < covered - staleness(state));
    const superseded = checkpoints.filter((one) => !current.includes(one) && (ended || one.round <= covered));
    await this.#delete([...relayed, ...superseded]);
    if (ended) await this.#deleteStrays();
  }

  async #delete(uploads: readonly Upload[]): Promise<void> {
    for (let at = 0; at < uploads.length; at += maxKeysPerDelete) {
      const some = uploads.slice(at, at + maxKeysPerDelete);
      await this.#bucket.delete(some.map(({ storeKey }) => storeKey));
      for (const upload of some) this.#store.forgetUpload(upload);
    }
  }

  /** Objects that were put but never reported, because the coordinator or the uploader died in between. */
  async #deleteStrays(): Promise<void> {
    const known = new Set(
      [...this.#store.uploads('checkpoint'), ...this.#store.uploads('artifact')].map(({ storeKey }) => storeKey),
    );
    const { objects } = await this.#bucket.list({ prefix: this.#prefix, limit: maxKeysPerDelete });
    const strays = objects.map(({ key }) => key).filter((key) => !known.has(key));
    if (strays.length > 0) await this.#bucket.delete(strays);
  }

  #keyOf(request: UploadRequest): string {
    if (request.kind === 'relay') return `${this.#prefix}relay/${request.hash}`;
    const name = request.kind === 'checkpoint' ? request.round : request.name;
    return `${this.#prefix}${request.kind}/${request.fence}/${randomName(12)}/${name}`;
  }
}

function tooManyFiles(): LoomError {
  return new LoomError('conflict', 'too many artifact files', { allowed: String(maxArtifactFiles) });
}

function checkLease({ lease }: RoomState, request: Exclude<UploadRequest, { kind: 'relay' }>): OpenLease {
  const { kind, workerId } = request;
  const round = kind === 'checkpoint' ? request.round : lease?.round;
  if (lease === null || lease.kind !== kind || lease.workerId !== workerId || lease.round !== round) {
    throw new LoomError('conflict', `${workerId} has no lease to upload this ${kind}`, { where: 'fence' });
  }
  if (lease.fence === request.fence) return lease;
  const allowed = String(lease.fence);
  throw new LoomError('conflict', `lease ${request.fence} is over`, { where: 'fence', allowed });
}

/** A payload that was committed in the open round or accepted since the checkpoint, asked by a member. */
function findPayload(state: RoomState, request: Extract<UploadRequest, { kind: 'relay' }>): { round: number } {
  if (isOver(state)) throw new LoomError('conflict', 'the job has ended', { where: 'hash' });
  if (state.members[request.workerId] === undefined)
    throw new LoomError('forbidden', `${request.workerId} is no member of this job`);
  if (Object.values(state.open?.parts ?? {}).some(({ commit }) => commit?.hash === request.hash))
    return { round: state.round };
  const closed = state.log.find(({ accepted }) => accepted.some(({ hash }) => hash === request.hash));
  if (closed === undefined)
    throw new LoomError('forbidden', 'no contribution of this job has that hash', { where: 'hash' });
  return closed;
}
