// One other member of the job, and the link to it: dialled by the smaller peer id, dialled again with growing pauses, and
// given over to the relay while it cannot be reached. It counts as failed only after there was time to connect.

import type { DataConnection } from 'peerjs';
import type { Peer } from '../../../shared/protocol/messages.ts';
import { backoffMs } from '../../timing/backoff.ts';
import { sleep } from '../../timing/wait.ts';
import type { LinkStats } from '../exchange.ts';
import type { LinkMeter } from './link-meter.ts';
import type { PeerHost } from './peer-host.ts';
import { hasChannel } from './peer-host.ts';
import type { LinkEvents } from './peer-link.ts';
import { PeerLink } from './peer-link.ts';

/** Connections of a link that is slow; the label tells the other side that this is one more, not a new link. */
const lanesAtMost = 4;
const laneLabel = 'lane';

export interface NeighbourOptions {
  peer: Peer;
  ownPeerId: string;
  host: PeerHost;
  dialMs: number; // over how long links are dialled when many are, each at some moment
  dialTimeoutMs: number;
  random: () => number;
  holds: (hash: string) => boolean;
  meter: LinkMeter;
  events: NeighbourEvents;
}

/** What its link tells, with the link; several connections may follow each other. */
export interface NeighbourEvents extends Pick<LinkEvents, 'onPayload' | 'onUnavailable' | 'onOffence'> {
  onWant(link: PeerLink, round: number, hash: string): void;
  onHave(link: PeerLink, round: number, hash: string): void;
  onListed(link: PeerLink, round: number, stateHash: string, list: string): void;
  /** `state` changed: its link opened, failed or went away. */
  onState(neighbour: Neighbour): void;
}

export class Neighbour {
  state: LinkStats['state'] = 'connecting';
  link: PeerLink | null = null;
  /** When its link went away, or we first tried. */
  private missingSince = Date.now();
  private readonly options: NeighbourOptions;
  private readonly gone = new AbortController();
  private readonly hurry = new AbortController();
  private banned = false;
  private isWidening = false;
  /** Of links that are closed. */
  private readonly past = { bytesSent: 0, bytesReceived: 0 };

  constructor(options: NeighbourOptions) {
    this.options = options;
    void this.reachInTurn();
  }

  /** Takes a connection that was opened by either side. */
  adopt(connection: DataConnection): void {
    if (connection.label === laneLabel) return this.addLane(connection);
    // Whoever rightly dials does so only when its old link is gone, whether we noticed that or not.
    const refused = this.banned || this.gone.signal.aborted || (this.link !== null && this.weDial());
    if (refused || !hasChannel(connection)) return connection.close();
    this.link?.close();
    if (this.gone.signal.aborted) return connection.close(); // a member that the room counts as absent, given up with that link
    const link: PeerLink = new PeerLink(
      connection,
      this.linkEvents(() => link),
      this.options.holds,
      this.options.meter,
    );
    this.link = link;
    this.become('open');
  }

  get peerId(): string {
    return this.options.peer.peerId;
  }

  get group(): number {
    return this.options.peer.group;
  }

  /** The room has dealt the groups anew. */
  regroup(peer: Peer): void {
    this.options.peer = peer;
  }

  /** Milliseconds that this peer could not be reached; 0 while a link is open. */
  get unreachableMs(): number {
    return this.link === null ? Date.now() - this.missingSince : 0;
  }

  stats(): LinkStats {
    const { workerId, peerId, kind } = this.options.peer;
    return {
      peerId,
      workerId,
      kind,
      state: this.state,
      via: this.state === 'failed' ? 'relay' : 'webrtc',
      bytesSent: this.past.bytesSent + (this.link?.bytesSent ?? 0),
      bytesReceived: this.past.bytesReceived + (this.link?.bytesReceived ?? 0),
    };
  }

  close(): void {
    this.gone.abort();
    this.link?.close();
  }

  private addLane(connection: DataConnection): void {
    if (this.link === null || this.link.laneCount >= lanesAtMost) connection.close();
    else this.link.addLane(connection);
  }

  /** Whoever dials opens more connections, one after the other, while payloads come slowly. */
  private async widen(): Promise<void> {
    if (!this.weDial() || this.isWidening || this.link === null || this.link.laneCount >= lanesAtMost) return;
    this.isWidening = true;
    const { host, peer } = this.options;
    for (let count = this.link.laneCount; count < lanesAtMost && !this.gone.signal.aborted; count++) {
      await host.dial(peer.peerId, (connection) => this.addLane(connection), laneLabel).catch(() => undefined);
    }
    this.isWidening = false;
  }

  private weDial(): boolean {
    return this.options.ownPeerId < this.options.peer.peerId;
  }

  /** Its link is needed. */
  dialNow(): void {
    this.hurry.abort();
  }

  /** Whoever is dialled cannot know at which moment. */
  private async reachInTurn(): Promise<void> {
    const { dialMs, random } = this.options;
    if (dialMs > 0) {
      const soon = AbortSignal.any([this.hurry.signal, this.gone.signal]);
      await sleep(this.weDial() ? random() * dialMs : dialMs, soon);
    }
    if (this.link !== null || this.gone.signal.aborted) return;
    this.missingSince = Date.now();
    this.reach();
  }

  private reach(): void {
    void this.failInTime();
    if (this.weDial()) void this.dialUntilOpen();
  }

  private async dialUntilOpen(): Promise<void> {
    const { host, peer, random } = this.options;
    for (let attempt = 0; this.link === null && !this.banned && !this.gone.signal.aborted; attempt++) {
      try {
        await host.dial(peer.peerId, (connection) => this.adopt(connection));
      } catch {
        await sleep(backoffMs(attempt, random, 250, 60_000), this.gone.signal);
      }
    }
  }

  private async failInTime(): Promise<void> {
    await sleep(this.options.dialTimeoutMs, this.gone.signal);
    if (this.link === null && !this.gone.signal.aborted) this.become('failed');
  }

  private linkEvents(link: () => PeerLink): LinkEvents {
    const { events } = this.options;
    return {
      ...events,
      onWant: (round, hash) => events.onWant(link(), round, hash),
      onHave: (round, hash) => events.onHave(link(), round, hash),
      onListed: (round, stateHash, list) => events.onListed(link(), round, stateHash, list),
      onSlow: () => void this.widen(),
      onClose: (banned) => this.lose(link(), banned),
    };
  }

  private lose(link: PeerLink, banned: boolean): void {
    this.past.bytesSent += link.bytesSent;
    this.past.bytesReceived += link.bytesReceived;
    if (this.link !== link) return; // an older one, already replaced
    this.link = null;
    this.missingSince = Date.now();
    this.banned = banned;
    if (this.gone.signal.aborted) return;
    this.become(banned ? 'failed' : 'connecting');
    if (!banned) this.reach();
  }

  private become(state: LinkStats['state']): void {
    if (this.state === state) return;
    this.state = state;
    this.options.events.onState(this);
  }
}
