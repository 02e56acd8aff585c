import { afterEach, expect, test, vi } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { Bell } from '../timing/wait.ts';
import type { Links } from './links/links.ts';
import type { PeerLink } from './links/peer-link.ts';
import { Offers } from './offers.ts';
import { PayloadStore } from './payload-store.ts';
import { Pull } from './pull.ts';

afterEach(() => vi.useRealTimers());

const hash = 'a'.repeat(64);

/** A link over which so many chunks have come by now, by default none ever. */
function linkWith(chunks: () => number = () => 0) {
  const asked = { times: 0 };
  const link = { want: () => void asked.times++, progress: chunks, lacks: () => false } as unknown as PeerLink;
  return { link, asked };
}

/** A pull that never gets the payload. */
function pullOver(link: PeerLink, timeoutMs: number, patienceMs: number, offers = new Offers()): Promise<Uint8Array> {
  const links = { open: () => [link], to: () => null } as unknown as Links;
  const options = { links, offers, store: new PayloadStore(1000), changed: new Bell(), patienceMs };
  const search = { round: 0, hash, from: null, timeoutMs, signals: [] };
  return new Pull({ ...options, askRelay: () => Promise.resolve() }, search).run();
}

test('a peer is asked once while it may still answer, also when one that said to have the payload has left', async () => {
  const [gone, here] = [linkWith(), linkWith()];
  const offers = new Offers();
  offers.note(gone.link, hash);
  await expect(pullOver(here.link, 800, 60_000, offers)).rejects.toThrow(LoomError);
  expect(here.asked.times).toBe(1);
  expect(gone.asked.times).toBe(0);
});

/** When a pull gives up, in seconds, if chunks come at these. */
async function givesUpAfter(chunksAt: readonly number[]): Promise<number> {
  vi.useFakeTimers();
  const begunAt = Date.now();
  const seconds = (): number => (Date.now() - begunAt) / 1000;
  const { link } = linkWith(() => chunksAt.filter((at) => at <= seconds()).length);
  let endedAt = 0;
  const end = pullOver(link, 3000, 3000).catch(() => void (endedAt = seconds()));
  await vi.advanceTimersByTimeAsync(120_000);
  await end;
  return endedAt;
}

test('time is over when nothing came for so long', async () => {
  expect(await givesUpAfter([])).toBeCloseTo(3, 0);
  expect(await givesUpAfter([2, 4, 5, 7.5])).toBeCloseTo(10.5, 0);
  expect(await givesUpAfter([2, 6])).toBeCloseTo(5, 0); // too late
});

test('whoever sends a little now and then does not hold up for ever', async () => {
  const trickle = Array.from({ length: 100 }, (_, index) => 2 * index);
  expect(await givesUpAfter(trickle)).toBeCloseTo(30, 0);
});
