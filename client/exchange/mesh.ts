// The Exchange over WebRTC: every worker of a job linked with every other. What we publish is pushed to all; what is missing
// is pulled from whoever has it. A member that cannot be reached is served through the coordinator's relay instead, in both
// directions, and nobody above this file notices.

import type { DataConnection } from 'peerjs';
import { sha256Hex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { Peer } from '../../shared/protocol/messages.ts';
import { backoffMs } from '../timing/backoff.ts';
import { Bell, sleep } from '../timing/wait.ts';
import type { Exchange, ExchangeEvents, ExchangeStats } from './exchange.ts';
import { Neighbour } from './neighbour.ts';
import { PeerHost } from './peer-host.ts';
import type { CreatePeer } from './peer-host.ts';
import type { PeerLink } from './peer-link.ts';
import { PayloadStore } from './payload-store.ts';

/** Payloads at the coordinator, by hash. */
export interface Relay {
  /** null if it is not there. */
  get(hash: string): Promise<Uint8Array | null>;
  put(hash: string, payload: Uint8Array): Promise<void>;
}

export interface MeshOptions {
  peerId: string;
  jobId: string;
  coordinator: URL;
  createPeer: CreatePeer;
  relay: Relay;
  events: ExchangeEvents;
  random?: () => number;
  dialTimeoutMs?: number; // not below 5 s on a real network: a lost first handshake costs a second or three
  patienceMs?: number; // how long a peer may be silent about a payload we asked it for
  storeBytes?: number;
}

interface Search {
  round: number;
  hash: string;
  from: string | null; // peer id
  deadline: number; // unix ms
  signal: AbortSignal;
}

const strangersAtMost = 16;
const strangerMs = 15_000;
const relayAttempts = 4;
const absenceMs = 30_000;

export class Mesh implements Exchange {
  readonly peerId: string;
  private readonly options: Required<MeshOptions>;
  private readonly host: PeerHost;
  private readonly store: PayloadStore;
  private readonly neighbours = new Map<string, Neighbour>();
  /** Members that the room counts as absent while their link is open, and when they are given up. */
  private readonly leaving = new Map<string, ReturnType<typeof setTimeout>>();
  /** Connections from peers that the room has not told us about yet. */
  private readonly strangers = new Map<string, DataConnection>();
  /** Rings when a payload arrived, a peer lacks one, or a link changed. */
  private readonly changed = new Bell();
  private readonly uploads = new Map<string, Promise<void>>();
  private readonly past = { bytesSent: 0, bytesReceived: 0, refusedFrames: 0 };
  private newest: { round: number; hash: string; payload: Uint8Array } | null = null;
  private readonly stop = new AbortController();

  constructor(options: MeshOptions) {
    this.options = {
      random: Math.random,
      dialTimeoutMs: 6000,
      patienceMs: 3000,
      storeBytes: 256 * 2 ** 20,
      ...options,
    };
    this.peerId = options.peerId;
    this.store = new PayloadStore(this.options.storeBytes);
    this.host = new PeerHost({ ...this.options, onConnection: (connection) => this.welcome(connection) });
  }

  setPeers(peers: readonly Peer[]): void {
    const present = new Set(peers.map((peer) => peer.peerId));
    for (const [peerId, neighbour] of this.neighbours) this.expectBack(neighbour, present.has(peerId));
    for (const peer of peers) if (peer.peerId !== this.peerId && !this.neighbours.has(peer.peerId)) this.meet(peer);
    this.options.events.onLinks();
  }

  publish(round: number, hash: string, payload: Uint8Array): void {
    this.newest = { round, hash, payload };
    this.store.put(round, hash, payload, true);
    for (const neighbour of this.neighbours.values()) this.deliver(neighbour);
  }

  hold(round: number, hash: string, payload: Uint8Array): void {
    this.store.put(round, hash, payload, true);
  }

  async obtain(
    round: number,
    hash: string,
    from: string | null,
    timeoutMs: number,
    signal: AbortSignal = this.stop.signal,
  ): Promise<Uint8Array> {
    const search = { round, hash, from, deadline: Date.now() + timeoutMs, signal };
    while (true) {
      const payload = (await this.askPeers(search)) ?? (await this.askRelay(search));
      if (payload !== undefined) return payload;
      if (this.isOver(search)) break;
      await this.changed.wait(Math.min(500, search.deadline - Date.now()));
    }
    throw new LoomError('unavailable', `no peer and no relay has payload ${hash.slice(0, 8)} of round ${round}`);
  }

  has(hash: string): boolean {
    return this.store.has(hash);
  }

  async relay(_round: number, hashes: readonly string[]): Promise<void> {
    await Promise.all(hashes.filter((hash) => this.has(hash)).map((hash) => this.upload(hash)));
  }

  forgetBefore(round: number): void {
    this.store.forgetBefore(round);
    for (const hash of this.uploads.keys()) if (!this.has(hash)) this.uploads.delete(hash);
  }

  stats(): ExchangeStats {
    const links = [...this.neighbours.values()].map((neighbour) => neighbour.stats());
    const sum = (key: 'bytesSent' | 'bytesReceived'): number =>
      links.reduce((total, link) => total + link[key], this.past[key]);
    return {
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      refusedFrames: this.past.refusedFrames,
      links,
    };
  }

  close(): void {
    this.stop.abort();
    for (const [peerId, neighbour] of this.neighbours) this.part(peerId, neighbour);
    this.host.close();
    this.changed.ring();
  }

  private meet(peer: Peer): void {
    const neighbour = new Neighbour({
      peer,
      ownPeerId: this.peerId,
      host: this.host,
      dialTimeoutMs: this.options.dialTimeoutMs,
      random: this.options.random,
      holds: (hash) => this.has(hash),
      events: {
        onPayload: (round, hash, payload) => this.arrive(round, hash, payload, false),
        onWant: (link, round, hash) => this.answer(link, round, hash),
        onUnavailable: () => this.changed.ring(),
        onOffence: () => (this.past.refusedFrames += 1),
        onState: (changed) => this.linkChanged(changed),
      },
    });
    this.neighbours.set(peer.peerId, neighbour);
    const waiting = this.strangers.get(peer.peerId);
    if (waiting === undefined) return;
    this.strangers.delete(peer.peerId);
    neighbour.adopt(waiting);
  }

  /** When the coordinator restarts all members are gone for it, but their links live: an open one is kept for a while. */
  private expectBack(neighbour: Neighbour, isPresent: boolean): void {
    const { peerId } = neighbour.stats();
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
    const { peerId } = neighbour.stats();
    if (this.leaving.has(peerId) && neighbour.link === null) this.part(peerId, neighbour);
    else this.deliver(neighbour);
    this.changed.ring();
    this.options.events.onLinks();
  }

  /** Our newest payload, by the way that leads to this member. */
  private deliver(neighbour: Neighbour): void {
    if (this.newest === null) return;
    const { round, hash, payload } = this.newest;
    if (neighbour.link !== null) neighbour.link.push(round, hash, payload);
    else if (neighbour.state === 'failed') this.upload(hash).catch(() => undefined); // the room asks again if it matters
  }

  private answer(link: PeerLink, round: number, hash: string): void {
    const held = this.store.peek(hash);
    if (held === undefined) link.deny(round, hash);
    else link.push(held.round, hash, held.payload);
  }

  private arrive(round: number, hash: string, payload: Uint8Array, asked: boolean): void {
    this.store.put(round, hash, payload, asked);
    this.options.events.onPayload(round, hash);
    this.changed.ring();
  }

  private isOver({ deadline, signal }: Search): boolean {
    return Date.now() >= deadline || signal.aborted || this.stop.signal.aborted;
  }

  private async askPeers(search: Search): Promise<Uint8Array | undefined> {
    const first = search.from === null ? undefined : this.neighbours.get(search.from);
    const others = [...this.neighbours.values()].filter((neighbour) => neighbour !== first);
    for (const { link } of first === undefined ? others : [first, ...others]) {
      const payload = this.store.take(search.hash) ?? (link === null ? undefined : await this.ask(link, search));
      if (payload !== undefined) return payload;
    }
    return this.store.take(search.hash);
  }

  /** Asks one peer and waits as long as something comes; another peer may be faster. */
  private async ask(link: PeerLink, search: Search): Promise<Uint8Array | undefined> {
    const { round, hash } = search;
    if (link.progress(hash) === 0) link.want(round, hash);
    let progress = link.progress(hash);
    let movedAt = Date.now();
    while (!link.lacks(hash) && !this.isOver(search)) {
      await this.changed.wait(100);
      const payload = this.store.take(hash);
      if (payload !== undefined) return payload;
      if (link.progress(hash) !== progress) movedAt = Date.now();
      progress = link.progress(hash);
      if (Date.now() - movedAt > this.options.patienceMs) break;
    }
    return undefined;
  }

  private async askRelay({ round, hash }: Search): Promise<Uint8Array | undefined> {
    const payload = await this.options.relay.get(hash).catch(() => null);
    if (payload === null) return this.store.take(hash);
    this.past.bytesReceived += payload.length;
    if (sha256Hex(payload) === hash) this.arrive(round, hash, payload, true);
    else this.past.refusedFrames += 1;
    return this.store.take(hash);
  }

  /** Puts a payload we hold on the relay, once. */
  private upload(hash: string): Promise<void> {
    const held = this.store.peek(hash);
    if (held === undefined) return Promise.resolve();
    const upload = this.uploads.get(hash) ?? this.tryUpload(hash, held.payload);
    this.uploads.set(hash, upload);
    upload.catch(() => this.uploads.delete(hash));
    return upload;
  }

  private async tryUpload(hash: string, payload: Uint8Array): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.options.relay.put(hash, payload);
        this.past.bytesSent += payload.length;
        return;
      } catch (error) {
        if (attempt === relayAttempts || this.stop.signal.aborted) throw error;
        await sleep(backoffMs(attempt, this.options.random), this.stop.signal);
      }
    }
  }
}
