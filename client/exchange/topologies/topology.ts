// How payloads get beyond those that they are sent to. Whom a worker is linked with the room decides; a topology says what it does
// about what its neighbours tell it and send it, and does it through this seam.

import type { Topology as TopologyKind } from '../../../shared/protocol/messages.ts';
import type { PeerLink } from '../peer-link.ts';
import { handingOn } from './handing-on.ts';
import { pushing } from './pushing.ts';

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

export function topologyOf(kind: TopologyKind): Topology {
  return kind === 'ring' ? handingOn : pushing;
}
