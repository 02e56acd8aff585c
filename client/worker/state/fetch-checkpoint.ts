// How a worker comes to a checkpoint: from its peers where they have it, else from the coordinator. What peers said is only
// believed when the state has the hash that the room agreed on; otherwise it is fetched again, whole, from the coordinator.

import { LoomError } from '../../../shared/errors.ts';
import type { StoredCheckpoint } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { FetchedState } from '../../exchange/state/state-fetch.ts';
import type { CoordinatorApi } from '../coordinator-api.ts';
import type { Workshop } from './workshop.ts';

export interface CheckpointSources {
  jobId: string;
  api: Pick<CoordinatorApi, 'checkpoint' | 'checkpointPart'>;
  exchange: Pick<Exchange, 'obtainState'>;
  workshop: Pick<Workshop, 'restore'>;
  say(sentence: string): void;
}

/** Restores the state of a checkpoint. @throws LoomError when neither peers nor the coordinator have it */
export async function fetchCheckpoint(
  checkpoint: StoredCheckpoint,
  { jobId, api, exchange, workshop, say }: CheckpointSources,
  signal: AbortSignal,
): Promise<void> {
  const { round } = checkpoint;
  const readStored = (offset: number, length: number): Promise<Uint8Array> =>
    api.checkpointPart(jobId, round, offset, length);
  const fetched = await exchange.obtainState(checkpoint, readStored, signal).catch(() => null);
  if (signal.aborted) return;
  if (fetched !== null && (await isTrue(workshop.restore(fetched.bytes, checkpoint))))
    return say(success(round, fetched));
  if (fetched !== null) say(`Peers sent another state than the agreed one of round ${round}; asking the coordinator.`);
  await workshop.restore(await api.checkpoint(jobId, round), checkpoint);
}

async function isTrue(restored: Promise<void>): Promise<boolean> {
  try {
    await restored;
    return true;
  } catch (error) {
    if (error instanceof LoomError && error.code === 'invalid_frame') return false;
    throw error;
  }
}

function success(round: number, { peers, fromPeers, fromStore }: FetchedState): string {
  const from = `${peers} ${peers === 1 ? 'peer' : 'peers'}`;
  const rest = fromStore === 0 ? '' : `, ${kib(fromStore)} from the coordinator`;
  return `Got the checkpoint of round ${round}: ${kib(fromPeers)} from ${from}${rest}.`;
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}
