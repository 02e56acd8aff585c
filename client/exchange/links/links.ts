// Whom this worker is connected to: the members that the room told it to work with. Each is a neighbour, whose link is dialled,
// kept and dropped here; peers that dial before the room has told of them are kept waiting. What goes over links is decided above.

import type { DataConnection } from 'peerjs';
import type { Peer } from '../../../shared/protocol/messages.ts';
import type { LinkStats } from '../exchange.ts';
import { LinkMeter } from './link-meter.ts';
import { Neighbour } from './neighbour.ts';
import type { NeighbourEvents } from './neighbour.ts';
import { PeerHost } from './peer-host.ts';
import type { CreatePeer } from './peer-host.ts';
import type { PeerLink } from './peer-link.ts';

export interface LinksOptions {
  peerId: string;
  jobId: string;
  coordinator: URL;
  createPeer: CreatePeer;
  random: () => number;
  dialTimeoutMs: number;
  /** Whether a payload is here, so that a second copy is not put together. */
  holds: (hash: string) => boolean;
  events: NeighbourEvents;
}

export interface LinksStats {
  bytesSent: number;
  bytesReceived: number;
  bytesPerSecond: number; // that our links to our group were measured to carry, all of them together; 0 = not known yet
  links: LinkStats[];
}

const strangersAtMost = 64;
const strangerMs = 15_000;
const absenceMs = 30_000;

export class Links {
  private readonly options: LinksOptions;
  private readonly host: PeerHost;
  private readonly neighbours = new Map<string, Neighbour>();
  /** Members that the room counts as absent while their link is open, and when they are given up. */
  private readonly leaving = new Map<string, ReturnType<typeof setTimeout>>();
  /** Connections from peers that the room has not told us about yet. */
  private readonly strangers = new Map<string, DataConnection>();
  private readonly meter = new LinkMeter();
  private readonly past = { bytesSent: 0, bytesReceived: 0 };
  private ownGroup = 0;

  constructor(options: LinksOptions) {
    this.options = options;
    this.host = new PeerHost({ ...options, onConnection: (connection) => this.welcome(connection) });
  }

  /** @param dialMs over how long new links are dialled */
  setPeers(peers: readonly Peer[], dialMs: number): void {
    const { peerId: ownPeerId } = this.options;
    this.ownGroup = peers.find(({ peerId }) => peerId === ownPeerId)?.group ?? 0;
    for (const peer of peers) this.neighbours.get(peer.peerId)?.regroup(peer);
    const present = new Set(peers.map(({ peerId }) => peerId));
    for (const [peerId, neighbour] of this.neighbours) this.expectBack(neighbour, present.has(peerId));
    for (const peer of peers)
      if (peer.peerId !== ownPeerId && !this.neighbours.has(peer.peerId)) this.meet(peer, dialMs);
  }

  /** A payload is to go out or to come: what was to be dialled later is dialled now. */
  dialNow(): void {
    for (const neighbour of this.neighbours.values()) neighbour.dialNow();
  }

  /** Links that are open. */
  open(): PeerLink[] {
    return [...this.neighbours.values()].flatMap(({ link }) => link ?? []);
  }

  /** Null while there is none. */
  to(peerId: string): PeerLink | null {
    return this.neighbours.get(peerId)?.link ?? null;
  }

  /** Members of our own group. */
  mates(): Neighbour[] {
    return [...this.neighbours.values()].filter((neighbour) => this.isMate(neighbour));
  }

  /** False of one that we have parted from. */
  isMate(neighbour: Neighbour): boolean {
    return neighbour.group === this.ownGroup && this.neighbours.get(neighbour.peerId) === neighbour;
  }

  get isDialling(): boolean {
    return [...this.neighbours.values()].some(({ state }) => state === 'connecting');
  }

  stats(): LinksStats {
    const links = [...this.neighbours.values()].map((neighbour) => neighbour.stats());
    const sum = (key: 'bytesSent' | 'bytesReceived'): number =>
      links.reduce((total, link) => total + link[key], this.past[key]);
    const bytesPerSecond = this.meter.bytesPerSecond * Math.max(1, this.mates().length);
    return { bytesSent: sum('bytesSent'), bytesReceived: sum('bytesReceived'), bytesPerSecond, links };
  }

  close(): void {
    for (const [peerId, neighbour] of this.neighbours) this.part(peerId, neighbour);
    this.host.close();
  }

  private meet(peer: Peer, dialMs: number): void {
    const { peerId: ownPeerId, events, ...options } = this.options;
    const onState = (changed: Neighbour): void => this.linkChanged(changed);
    const neighbour = new Neighbour({
      ...options,
      peer,
      ownPeerId,
      dialMs,
      host: this.host,
      meter: this.meter,
      events: { ...events, onState },
    });
    this.neighbours.set(peer.peerId, neighbour);
    const waiting = this.strangers.get(peer.peerId);
    if (waiting === undefined) return;
    this.strangers.delete(peer.peerId);
    neighbour.adopt(waiting);
  }

  /** When the coordinator restarts all members are gone for it, but their links live: an open one is kept for a while. */
  private expectBack(neighbour: Neighbour, isPresent: boolean): void {
    const { peerId } = neighbour;
    const timer = this.leaving.get(peerId);
    if (isPresent) {
      clearTimeout(timer);
      this.leaving.delete(peerId);
    } else if (neighbour.link === null) this.part(peerId, neighbour);
    else if (timer === undefined)
      this.leaving.set(
        peerId,
        setTimeout(() => this.part(peerId, neighbour), absenceMs),
      );
  }

  private part(peerId: string, neighbour: Neighbour): void {
    clearTimeout(this.leaving.get(peerId));
    this.leaving.delete(peerId);
    neighbour.close();
    const { bytesSent, bytesReceived } = neighbour.stats();
    this.past.bytesSent += bytesSent;
    this.past.bytesReceived += bytesReceived;
    this.neighbours.delete(peerId);
  }

  /** A dial may be faster than the room's message that its sender is a member. */
  private welcome(connection: DataConnection): void {
    const neighbour = this.neighbours.get(connection.peer);
    if (neighbour !== undefined) return neighbour.adopt(connection);
    if (this.strangers.size >= strangersAtMost || this.strangers.has(connection.peer)) return connection.close();
    this.strangers.set(connection.peer, connection);
    setTimeout(() => {
      if (this.strangers.get(connection.peer) !== connection) return;
      this.strangers.delete(connection.peer);
      connection.close();
    }, strangerMs);
  }

  private linkChanged(neighbour: Neighbour): void {
    const { peerId } = neighbour;
    if (this.leaving.has(peerId) && neighbour.link === null) this.part(peerId, neighbour);
    this.options.events.onState(neighbour);
  }
}
