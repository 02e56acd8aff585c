// How payloads get beyond those that they are sent to. Whom a worker is linked with the room decides; a topology says what it does
// about what its neighbours tell it and send it, and does it through this seam.

import type { Topology as TopologyKind } from '../../shared/protocol/messages.ts';
import type { PeerLink } from './links/peer-link.ts';

export interface Spread {
  /** Asks a neighbour for a payload that nobody here waits for. */
  want(link: PeerLink, round: number, hash: string): void;
  /** Tells all neighbours that may need it that this payload is here. */
  announce(round: number, hash: string): void;
}

export interface Topology {
  /** A neighbour has a payload that is not here, and is the first one to say so. */
  offered(spread: Spread, link: PeerLink, round: number, hash: string): void;
  /** A payload came. @param wasSought someone here waits for it */
  arrived(spread: Spread, round: number, hash: string, wasSought: boolean): void;
}

/**
 * Mesh, groups and tree: everyone pushes its own payload to its whole group. What a group made is announced, and whoever looked
 * for it tells its own neighbours when it has it.
 */
const pushing: Topology = {
  offered: () => undefined,
  arrived: (spread, round, hash, wasSought) => {
    if (wasSought) spread.announce(round, hash);
  },
};

/** A ring: everyone needs everything, so a payload is asked for of the first neighbour that has it, and handed on to the other one. */
const handingOn: Topology = {
  offered: (spread, link, round, hash) => spread.want(link, round, hash),
  arrived: (spread, round, hash) => spread.announce(round, hash),
};

export function topologyOf(kind: TopologyKind): Topology {
  return kind === 'ring' ? handingOn : pushing;
}
