// Everything that only a contributing page needs, in a file of its own: it is loaded when the button is pressed.

import { Peer } from 'peerjs';
import { spawnTrainer } from '../../train/thread/thread-page.ts';
import { contribute, type ContributeOptions, type Contributor } from '../../worker/contribute.ts';
import { PageStore } from '../../worker/page-store.ts';

type PageOptions = Pick<ContributeOptions, 'coordinator' | 'adapter' | 'backend' | 'load' | 'onSnapshot'>;

/** Contributes from this page until stopped: the network on this thread, the training in a Worker. Never throws. */
export function contributeHere(options: PageOptions): Contributor {
  return contribute({
    ...options,
    kind: 'page',
    name: '',
    store: new PageStore(),
    createTrainer: spawnTrainer,
    createPeer: (id, peerOptions) => new Peer(id, peerOptions),
  });
}
