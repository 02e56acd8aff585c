import { expect, test } from 'vitest';
import { LoomError } from '../../../shared/errors.ts';
import type { FetchedState } from '../../exchange/state/state-fetch.ts';
import { fetchCheckpoint } from './fetch-checkpoint.ts';

const truth = Uint8Array.of(1, 2, 3);
const checkpoint = { round: 4, stateHash: 'a'.repeat(64), bytes: 3 };

async function fetchWith(
  obtainState: () => Promise<FetchedState | null>,
): Promise<{ said: string[]; restored: number[] }> {
  const said: string[] = [];
  const restored: number[] = [];
  const restore = async (bytes: Uint8Array | null): Promise<void> => {
    restored.push(bytes![0]!);
    if (bytes![0] !== truth[0]) throw new LoomError('invalid_frame', 'another state');
  };
  const api = { checkpoint: async () => truth, checkpointPart: async () => truth };
  const sources = {
    jobId: 'j',
    api,
    exchange: { obtainState },
    workshop: { restore },
    say: (text: string) => void said.push(text),
  };
  await fetchCheckpoint(checkpoint, sources, new AbortController().signal);
  return { said, restored };
}

test('what peers deliver is taken when it is the agreed state', async () => {
  const fetched = { bytes: truth.slice(), peers: 2, fromPeers: 2048, fromStore: 1024 };
  const { said, restored } = await fetchWith(async () => fetched);
  expect(restored).toEqual([1]);
  expect(said).toEqual(['Got the checkpoint of round 4: 2 KiB from 2 peers, 1 KiB from the coordinator.']);
});

test('peers that lie together cost a download: the coordinator is asked', async () => {
  const { said, restored } = await fetchWith(async () => ({
    bytes: Uint8Array.of(9),
    peers: 2,
    fromPeers: 1,
    fromStore: 0,
  }));
  expect(restored).toEqual([9, 1]);
  expect(said[0]).toMatch(/another state/);
});

test('no peer has it, or the store contradicts the pieces: the coordinator is asked, nothing is said', async () => {
  expect(await fetchWith(async () => null)).toEqual({ said: [], restored: [1] });
  const contradiction = () => Promise.reject(new LoomError('invalid_frame', 'other pieces'));
  expect(await fetchWith(contradiction)).toEqual({ said: [], restored: [1] });
});
