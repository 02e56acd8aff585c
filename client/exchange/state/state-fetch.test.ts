// Checkpoints in pieces over real WebRTC: from several peers, past liars and past those who vanish.

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/bytes.ts';
import type { StoredCheckpoint } from '../../../shared/protocol/messages.ts';
import { chunkBytes } from '../../../shared/protocol/frame.ts';
import { CheckpointShelf } from '../../worker/state/checkpoint-shelf.ts';
import { Keepsake } from '../../worker/state/keepsake.ts';
import { MemoryStore } from '../../worker/store.ts';
import type { Shelf } from './lending.ts';
import type { FetchedState, ReadStored } from './state-fetch.ts';
import { Exchanges, introduce, linked, until } from '../testing/peers.ts';
import type { Tested } from '../testing/peers.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let exchanges: Exchanges;

beforeAll(async () => {
  exchanges = await Exchanges.begin();
});
afterEach(() => exchanges.closeAll());
afterAll(() => exchanges.coordinator.close());

const file = Uint8Array.from({ length: 60 * chunkBytes + 17 }, (_, i) => (i * i + (i >> 9)) % 253);
const checkpoint: StoredCheckpoint = { round: 7, stateHash: sha256Hex(file), bytes: file.length };
const readStored: ReadStored = async (offset, length) => file.slice(offset, offset + length);
const nothingStored: ReadStored = () => Promise.reject(new Error('the store is not needed'));

/** What a worker lends that keeps this file as the checkpoint. */
async function shelfOf(bytes: Uint8Array): Promise<Shelf> {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  await keepsake.keepState(checkpoint, bytes);
  const shelf = new CheckpointShelf(keepsake);
  shelf.show(checkpoint);
  return shelf;
}

/** Peers with these shelves, and a joiner that is linked with all of them. */
async function swarm(...shelves: Shelf[]): Promise<{ joiner: Tested; peers: Tested[] }> {
  const peers = shelves.map((shelf) => exchanges.start({ shelf }));
  const joiner = exchanges.start({ patienceMs: 1500 });
  introduce(joiner, ...peers);
  await until(() => linked(joiner, peers.length));
  return { joiner, peers };
}

function fetchState({ exchange }: Tested, from: ReadStored): Promise<FetchedState | null> {
  return exchange.obtainState(checkpoint, from, new AbortController().signal);
}

test('three peers: pieces come from all of them, all bytes from peers, all counted', async () => {
  const { joiner, peers } = await swarm(await shelfOf(file), await shelfOf(file), await shelfOf(file));
  const fetched = await fetchState(joiner, nothingStored);
  expect(fetched).toMatchObject({ peers: 3, fromPeers: file.length, fromStore: 0 });
  expect(sha256Hex(fetched!.bytes)).toBe(checkpoint.stateHash);
  const { bytesReceived, refusedFrames } = joiner.exchange.stats();
  expect(bytesReceived).toBeGreaterThan(file.length);
  expect(refusedFrames).toBe(0);
  expect(peers.reduce((sum, { exchange }) => sum + exchange.stats().bytesSent, 0)).toBeGreaterThan(file.length);
});

test('a peer that sends wrong pieces is refused and counted; another brings them', async () => {
  const honest = await shelfOf(file);
  const list = await honest.listOf(7, checkpoint.stateHash);
  const corrupt: Shelf = {
    listOf: honest.listOf.bind(honest),
    read: async (hash) => {
      const bytes = await honest.read(hash);
      return bytes === null || hash === list ? bytes : bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    },
  };
  const { joiner } = await swarm(corrupt, await shelfOf(file));
  const fetched = await fetchState(joiner, nothingStored);
  expect(fetched).toMatchObject({ peers: 1, fromStore: 0 });
  expect(sha256Hex(fetched!.bytes)).toBe(checkpoint.stateHash);
  expect(joiner.exchange.stats().refusedFrames).toBeGreaterThan(0);
});

test('a peer vanishes in the middle: the others bring what it owes', async () => {
  const honest = await shelfOf(file);
  let lent = 0;
  const vanishing: Shelf = {
    listOf: honest.listOf.bind(honest),
    read: async (hash) => {
      if (++lent === 6) peers[0]!.exchange.close();
      return honest.read(hash);
    },
  };
  const { joiner, peers } = await swarm(vanishing, await shelfOf(file));
  const fetched = await fetchState(joiner, nothingStored);
  expect(lent).toBeGreaterThanOrEqual(6);
  expect(fetched).toMatchObject({ peers: 2, fromStore: 0 });
  expect(sha256Hex(fetched!.bytes)).toBe(checkpoint.stateHash);
});

test('the only peer vanishes in the middle, or falls silent: the rest is read from the store', async () => {
  for (const end of ['vanish', 'silence'] as const) {
    const honest = await shelfOf(file);
    let lent = 0;
    const ending: Shelf = {
      listOf: honest.listOf.bind(honest),
      read: async (hash) => {
        if (++lent < 6) return honest.read(hash);
        if (end === 'silence') return new Promise(() => undefined);
        peers[0]!.exchange.close();
        return null;
      },
    };
    const { joiner, peers } = await swarm(ending);
    const fetched = await fetchState(joiner, readStored);
    expect(fetched!.fromPeers).toBeGreaterThan(0);
    expect(fetched!.fromStore).toBe(file.length - fetched!.fromPeers);
    expect(sha256Hex(fetched!.bytes)).toBe(checkpoint.stateHash);
    exchanges.closeAll();
  }
});

test('a false list: most peers decide which is taken; one that the store contradicts is an error', async () => {
  const other = file.map((byte) => byte ^ 255);
  const { joiner } = await swarm(await shelfOf(other), await shelfOf(file), await shelfOf(file));
  expect(sha256Hex((await fetchState(joiner, nothingStored))!.bytes)).toBe(checkpoint.stateHash);
  exchanges.closeAll();
  const lie = await shelfOf(other);
  let lent = 0;
  const { joiner: misled } = await swarm({
    listOf: lie.listOf.bind(lie),
    read: async (hash) => (++lent < 4 ? lie.read(hash) : null),
  });
  await expect(fetchState(misled, readStored)).rejects.toMatchObject({ code: 'invalid_frame' });
});

test('a list of another length is not believed, and without a peer that has the state nothing comes', async () => {
  const { joiner } = await swarm(await shelfOf(file.subarray(1)));
  expect(await fetchState(joiner, nothingStored)).toBeNull();
  const { joiner: alone } = await swarm({ listOf: async () => null, read: async () => null });
  expect(await fetchState(alone, nothingStored)).toBeNull();
});
