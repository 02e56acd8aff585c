import { expect, test } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { Bell } from '../timing/wait.ts';
import type { Links } from './links/links.ts';
import type { PeerLink } from './links/peer-link.ts';
import { Offers } from './offers.ts';
import { PayloadStore } from './payload-store.ts';
import { Pull } from './pull.ts';

const hash = 'a'.repeat(64);

/** A link that never brings anything. */
function silent() {
  const asked = { times: 0 };
  const link = { want: () => void asked.times++, progress: () => 0, lacks: () => false } as unknown as PeerLink;
  return { link, asked };
}

test('a peer is asked once while it may still answer, also when one that said to have the payload has left', async () => {
  const [gone, here] = [silent(), silent()];
  const offers = new Offers();
  offers.note(gone.link, hash);
  const links = { open: () => [here.link], to: () => null } as unknown as Links;
  const search = { round: 0, hash, from: null, startedAt: Date.now(), deadline: Date.now() + 800, signals: [] };
  const options = { links, offers, store: new PayloadStore(1000), changed: new Bell(), patienceMs: 60_000 };
  const pulled = new Pull({ ...options, askRelay: () => Promise.resolve() }, search).run();
  await expect(pulled).rejects.toThrow(LoomError);
  expect(here.asked.times).toBe(1);
  expect(gone.asked.times).toBe(0);
});
