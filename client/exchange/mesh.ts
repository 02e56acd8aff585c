// The Exchange over WebRTC: a worker linked with those that the room tells it to work with. What we publish is pushed to our
// group; what a group makes, and in a ring all, is announced from link to link; what is missing is pulled from whoever has it.
// A member that cannot be reached is served through the coordinator's relay instead, in both directions, unnoticed above.

import type { DataConnection } from 'peerjs';
import { sha256Hex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { Peer, StoredCheckpoint, Topology } from '../../shared/protocol/messages.ts';
import { Bell } from '../timing/wait.ts';
import type { Exchange, ExchangeEvents, ExchangeStats } from './exchange.ts';
import { Lending } from './lending.ts';
import type { Shelf } from './lending.ts';
import { LinkMeter } from './link-meter.ts';
import { Neighbour } from './neighbour.ts';
import { PeerHost } from './peer-host.ts';
import type { CreatePeer } from './peer-host.ts';
import type { PeerLink } from './peer-link.ts';
import { PayloadStore } from './payload-store.ts';
import { RelayUploads } from './relay.ts';
import type { Relay } from './relay.ts';
import { StateFetch } from './state-fetch.ts';
import type { FetchedState, ReadStored } from './state-fetch.ts';

export interface MeshOptions {
  peerId: string;
  jobId: string;
  coordinator: URL;
  createPeer: CreatePeer;
  relay: Relay;
  events: ExchangeEvents;
  shelf?: Shelf; // what is lent to joiners
  random?: () => number;
  dialTimeoutMs?: number; // not below 5 s on a real network: a lost first handshake costs a second or three
  patienceMs?: number; // how long a peer may be silent about a payload we asked it for
  storeBytes?: number;
}

interface Search {
  round: number;
  hash: string;
  from: string | null; // peer id
  startedAt: number; // unix ms
  deadline: number;
  signal: AbortSignal;
}

const strangersAtMost = 64;
const offersAtMost = 4096;
const strangerMs = 15_000;
const absenceMs = 30_000;
/** A peer that cannot be reached for so long is served through the relay as well; the link may still open. */
const hedgeMs = 1_500;
/** While links are open the relay is asked only after so long: what comes from peers costs nothing. */
const relayPatienceMs = 1_500;

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
  private readonly uploads: RelayUploads;
  private readonly past = { bytesSent: 0, bytesReceived: 0, refusedFrames: 0 };
  private newest: { round: number; hash: string; payload: Uint8Array } | null = null;
  /** Who said to have a payload that is not here, by hash. */
  private readonly offers = new Map<string, Set<PeerLink>>();
  /** Payloads that we asked for: when they come, our neighbours may need them too. */
  private readonly sought = new Map<string, number>(); // round by hash
  private topology: Topology = 'mesh';
  private ownGroup = 0;
  private readonly meter = new LinkMeter();
  private readonly lending: Lending;
  private fetching: StateFetch | null = null;
  private readonly stop = new AbortController();

  constructor(options: MeshOptions) {
    this.options = {
      random: Math.random,
      dialTimeoutMs: 6000,
      patienceMs: 3000,
      storeBytes: 256 * 2 ** 20,
      shelf: { listOf: async () => null, read: async () => null },
      ...options,
    };
    this.peerId = options.peerId;
    this.store = new PayloadStore(this.options.storeBytes);
    this.lending = new Lending(this.options.shelf);
    const onSent = (bytes: number): void => void (this.past.bytesSent += bytes);
    this.uploads = new RelayUploads({ ...this.options, signal: this.stop.signal, onSent });
    this.host = new PeerHost({ ...this.options, onConnection: (connection) => this.welcome(connection) });
  }

  setPeers(peers: readonly Peer[], topology: Topology): void {
    this.topology = topology;
    this.ownGroup = peers.find((peer) => peer.peerId === this.peerId)?.group ?? 0;
    for (const peer of peers) this.neighbours.get(peer.peerId)?.regroup(peer);
    const present = new Set(peers.map((peer) => peer.peerId));
    for (const [peerId, neighbour] of this.neighbours) this.expectBack(neighbour, present.has(peerId));
    for (const peer of peers) if (peer.peerId !== this.peerId && !this.neighbours.has(peer.peerId)) this.meet(peer);
    this.options.events.onLinks();
  }

  publish(round: number, hash: string, payload: Uint8Array): void {
    this.newest = { round, hash, payload };
    this.store.put(round, hash, payload, true);
    for (const neighbour of this.neighbours.values()) this.deliver(neighbour);
    setTimeout(() => this.hedge(hash), hedgeMs);
  }

  offer(round: number, hash: string, payload: Uint8Array): void {
    this.store.put(round, hash, payload, true);
    this.announce(round, hash);
    this.changed.ring();
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
    const search = { round, hash, from, startedAt: Date.now(), deadline: Date.now() + timeoutMs, signal };
    if (!this.has(hash)) this.sought.set(hash, round);
    while (true) {
      const payload =
        (await this.askPeers(search)) ?? (this.relayIsDue(search) ? await this.askRelay(search) : undefined);
      if (payload !== undefined) return payload;
      if (this.isOver(search)) break;
      await this.changed.wait(Math.min(500, search.deadline - Date.now()));
    }
    throw new LoomError('unavailable', `no peer and no relay has payload ${hash.slice(0, 8)} of round ${round}`);
  }

  has(hash: string): boolean {
    return this.store.has(hash);
  }

  async obtainState(
    checkpoint: StoredCheckpoint,
    readStored: ReadStored,
    signal: AbortSignal,
  ): Promise<FetchedState | null> {
    const fetching = new StateFetch({
      checkpoint,
      links: () => this.openLinks(),
      isDialling: () => [...this.neighbours.values()].some(({ state }) => state === 'connecting'),
      readStored: async (offset, length) => this.counted(await readStored(offset, length)),
      changed: this.changed,
      patienceMs: this.options.patienceMs,
      signal: AbortSignal.any([signal, this.stop.signal]),
    });
    this.fetching = fetching;
    try {
      return await fetching.run();
    } finally {
      if (this.fetching === fetching) this.fetching = null;
    }
  }

  async relay(_round: number, hashes: readonly string[]): Promise<void> {
    await Promise.all(hashes.filter((hash) => this.has(hash)).map((hash) => this.upload(hash)));
  }

  forgetBefore(round: number): void {
    this.store.forgetBefore(round);
    for (const [hash, of] of this.sought) if (of < round) this.sought.delete(hash);
    for (const hash of this.offers.keys()) if (!this.sought.has(hash)) this.offers.delete(hash);
    this.uploads.forgetUnless((hash) => this.has(hash));
  }

  stats(): ExchangeStats {
    const links = [...this.neighbours.values()].map((neighbour) => neighbour.stats());
    const sum = (key: 'bytesSent' | 'bytesReceived'): number =>
      links.reduce((total, link) => total + link[key], this.past[key]);
    return {
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      bytesPerSecond: this.meter.bytesPerSecond * Math.max(1, this.mates().length),
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
      holds: (hash) => this.has(hash) || this.fetching?.holds(hash) === true,
      meter: this.meter,
      events: {
        onPayload: (round, hash, payload) => this.arrive(round, hash, payload, false),
        onWant: (link, round, hash) => this.answer(link, round, hash),
        onHave: (link, round, hash) => this.noteOffer(link, round, hash),
        onListed: (link, _round, stateHash, list) => this.noteList(link, stateHash, list),
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
    if (this.newest === null || neighbour.group !== this.ownGroup) return;
    const { round, hash, payload } = this.newest;
    if (neighbour.link !== null) neighbour.link.push(round, hash, payload);
    else if (neighbour.state === 'failed') this.upload(hash).catch(() => undefined); // the room asks again if it matters
  }

  /** Members of our group that are not linked yet need not wait until dialling has failed. */
  private hedge(hash: string): void {
    if (this.stop.signal.aborted || this.newest?.hash !== hash) return;
    if (this.mates().some(({ unreachableMs }) => unreachableMs >= hedgeMs)) this.upload(hash).catch(() => undefined);
  }

  private announce(round: number, hash: string): void {
    for (const { link } of this.neighbours.values()) {
      if (link !== null && this.offers.get(hash)?.has(link) !== true) link.announce(round, hash);
    }
    this.offers.delete(hash);
  }

  /** In a ring everyone needs everything: it is asked for at once, of the first who has it. */
  private noteOffer(link: PeerLink, round: number, hash: string): void {
    if (this.has(hash) || this.offers.size > offersAtMost) return;
    const isFirst = !this.offers.has(hash);
    this.offers.set(hash, (this.offers.get(hash) ?? new Set()).add(link));
    if (this.topology === 'ring' && isFirst && !this.isComing(hash)) {
      this.sought.set(hash, round);
      link.want(round, hash);
    }
    this.changed.ring();
  }

  private isComing(hash: string): boolean {
    return [...this.neighbours.values()].some(({ link }) => link !== null && link.progress(hash) > 0);
  }

  private openLinks(): PeerLink[] {
    return [...this.neighbours.values()].flatMap(({ link }) => link ?? []);
  }

  private counted(bytes: Uint8Array): Uint8Array {
    this.past.bytesReceived += bytes.length;
    return bytes;
  }

  /** Members of our own group. */
  private mates(): Neighbour[] {
    return [...this.neighbours.values()].filter(({ group }) => group === this.ownGroup);
  }

  private answer(link: PeerLink, round: number, hash: string): void {
    const held = this.store.peek(hash);
    if (held === undefined) void this.lending.serve(link, round, hash);
    else link.push(held.round, hash, held.payload);
  }

  private noteList(link: PeerLink, stateHash: string, list: string): void {
    this.fetching?.hear(link, stateHash, list);
    this.changed.ring();
  }

  private arrive(round: number, hash: string, payload: Uint8Array, asked: boolean): void {
    if (this.fetching?.take(hash, payload) === true) return this.changed.ring();
    const mayBeNeeded = this.topology === 'ring' || this.sought.delete(hash);
    this.store.put(round, hash, payload, asked);
    if (mayBeNeeded) this.announce(round, hash);
    else this.offers.delete(hash);
    this.options.events.onPayload(round, hash);
    this.changed.ring();
  }

  private isOver({ deadline, signal }: Search): boolean {
    return Date.now() >= deadline || signal.aborted || this.stop.signal.aborted;
  }

  private async askPeers(search: Search): Promise<Uint8Array | undefined> {
    for (const link of this.linksByPromise(search)) {
      const payload = this.store.take(search.hash) ?? (await this.ask(link, search));
      if (payload !== undefined) return payload;
    }
    return this.store.take(search.hash);
  }

  /** Those first that said to have it, then the one it should be with, then all others. */
  private linksByPromise({ hash, from }: Search): PeerLink[] {
    const first = from === null ? null : (this.neighbours.get(from)?.link ?? null);
    const offering = [...(this.offers.get(hash) ?? [])];
    const all = this.openLinks();
    return [...new Set([...offering.filter((link) => all.includes(link)), ...(first === null ? [] : [first]), ...all])];
  }

  /** At once for what is with someone we have no link to; after a while for all else. */
  private relayIsDue({ from, startedAt }: Search): boolean {
    const links = this.openLinks();
    const isOutOfReach = from !== null && (this.neighbours.get(from)?.link ?? null) === null;
    return links.length === 0 || isOutOfReach || Date.now() - startedAt >= relayPatienceMs;
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
      if (progress === 0 && this.othersOffer(link, hash)) break;
    }
    return undefined;
  }

  private othersOffer(link: PeerLink, hash: string): boolean {
    const offering = this.offers.get(hash);
    return offering !== undefined && !offering.has(link);
  }

  private async askRelay({ round, hash }: Search): Promise<Uint8Array | undefined> {
    const payload = await this.options.relay.get(hash).catch(() => null);
    if (payload === null) return this.store.take(hash);
    if (sha256Hex(this.counted(payload)) === hash) this.arrive(round, hash, payload, true);
    else this.past.refusedFrames += 1;
    return this.store.take(hash);
  }

  /** Puts a payload we hold on the relay, once. */
  private async upload(hash: string): Promise<void> {
    const held = this.store.peek(hash);
    if (held !== undefined) await this.uploads.put(hash, held.payload);
  }
}
