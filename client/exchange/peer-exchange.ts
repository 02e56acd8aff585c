// The Exchange over WebRTC: a worker linked with those that the room tells it to work with. What we publish is pushed to our
// group; how payloads get further is the topology's; what is missing is pulled from whoever has it. A member that cannot be
// reached is served through the coordinator's relay instead, in both directions, unnoticed above.

import { sha256Hex } from '../../shared/bytes.ts';
import type { Peer, StoredCheckpoint, Topology as TopologyKind } from '../../shared/protocol/messages.ts';
import { Bell } from '../timing/wait.ts';
import type { Exchange, ExchangeEvents, ExchangeStats } from './exchange.ts';
import { Lending } from './state/lending.ts';
import type { Shelf } from './state/lending.ts';
import { Links } from './links/links.ts';
import type { Neighbour, NeighbourEvents } from './links/neighbour.ts';
import { Offers } from './offers.ts';
import { Outbox } from './outbox.ts';
import type { CreatePeer } from './links/peer-host.ts';
import type { PeerLink } from './links/peer-link.ts';
import { PayloadStore } from './payload-store.ts';
import { Pull } from './pull.ts';
import { RelayUploads } from './relay.ts';
import type { Relay } from './relay.ts';
import { StateFetch } from './state/state-fetch.ts';
import type { FetchedState, ReadStored } from './state/state-fetch.ts';
import { topologyOf } from './topology.ts';
import type { Spread } from './topology.ts';

export interface PeerExchangeOptions {
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

export class PeerExchange implements Exchange {
  readonly peerId: string;
  private readonly options: Required<PeerExchangeOptions>;
  private readonly links: Links;
  private readonly store: PayloadStore;
  private readonly outbox: Outbox;
  private readonly uploads: RelayUploads;
  private readonly offers = new Offers();
  private readonly lending: Lending;
  private readonly spread: Spread = {
    want: (link, round, hash) => this.want(link, round, hash),
    announce: (round, hash) => this.announce(round, hash),
  };
  private topology = topologyOf('mesh');
  private fetching: StateFetch | null = null;
  /** Rings when a payload arrived, a peer lacks one, or a link changed. */
  private readonly changed = new Bell();
  /** Bytes to and from the coordinator, and what peers and it sent that was refused. */
  private readonly aside = { bytesSent: 0, bytesReceived: 0, refusedFrames: 0 };
  private readonly stop = new AbortController();

  constructor(options: PeerExchangeOptions) {
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
    const { signal } = this.stop;
    const onSent = (bytes: number): void => void (this.aside.bytesSent += bytes);
    this.uploads = new RelayUploads({ ...this.options, signal, onSent });
    const holds = (hash: string): boolean => this.has(hash) || this.fetching?.holds(hash) === true;
    this.links = new Links({ ...this.options, holds, events: this.events() });
    const { links, store, uploads } = this;
    this.outbox = new Outbox({ links, store, uploads, signal });
  }

  setPeers(peers: readonly Peer[], topology: TopologyKind, dialMs = 0): void {
    this.topology = topologyOf(topology);
    this.links.setPeers(peers, dialMs);
    this.options.events.onLinks();
  }

  publish(round: number, hash: string, payload: Uint8Array): void {
    this.links.dialNow();
    this.store.put(round, hash, payload, true);
    this.outbox.publish(round, hash, payload);
  }

  offer(round: number, hash: string, payload: Uint8Array): void {
    this.links.dialNow();
    this.store.put(round, hash, payload, true);
    this.announce(round, hash);
    this.changed.ring();
  }

  hold(round: number, hash: string, payload: Uint8Array): void {
    this.store.put(round, hash, payload, true);
  }

  obtain(
    round: number,
    hash: string,
    from: string | null,
    timeoutMs: number,
    signal: AbortSignal = this.stop.signal,
    forOthers = true,
  ): Promise<Uint8Array> {
    if (!this.has(hash)) this.links.dialNow();
    if (forOthers && !this.has(hash)) this.offers.seek(round, hash);
    const { links, store, offers, changed, options } = this;
    const askRelay = (of: number, wanted: string): Promise<void> => this.askRelay(of, wanted);
    const search = { round, hash, from, timeoutMs, signals: [signal, this.stop.signal] };
    return new Pull({ links, store, offers, changed, askRelay, patienceMs: options.patienceMs }, search).run();
  }

  has(hash: string): boolean {
    return this.store.has(hash);
  }

  async obtainState(
    checkpoint: StoredCheckpoint,
    readStored: ReadStored,
    signal: AbortSignal,
  ): Promise<FetchedState | null> {
    this.links.dialNow();
    const fetching = new StateFetch({
      checkpoint,
      links: () => this.links.open(),
      isDialling: () => this.links.isDialling,
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

  async relay(hashes: readonly string[]): Promise<void> {
    await Promise.all(hashes.map((hash) => this.outbox.relay(hash)));
  }

  forgetBefore(round: number): void {
    this.store.forgetBefore(round);
    this.offers.forgetBefore(round);
    this.uploads.forgetUnless((hash) => this.has(hash));
  }

  stats(): ExchangeStats {
    const { bytesSent, bytesReceived, ...links } = this.links.stats();
    return {
      ...links,
      bytesSent: bytesSent + this.aside.bytesSent,
      bytesReceived: bytesReceived + this.aside.bytesReceived,
      refusedFrames: this.aside.refusedFrames,
    };
  }

  close(): void {
    this.stop.abort();
    this.links.close();
    this.changed.ring();
  }

  // ---- What the links tell.

  private events(): NeighbourEvents {
    return {
      onPayload: (round, hash, payload) => this.arrive(round, hash, payload, false),
      onWant: (link, round, hash) => this.answer(link, round, hash),
      onHave: (link, round, hash) => this.hearOffer(link, round, hash),
      onListed: (link, _round, stateHash, list) => this.hearList(link, stateHash, list),
      onUnavailable: () => this.changed.ring(),
      onOffence: () => void (this.aside.refusedFrames += 1),
      onState: (neighbour) => this.linkChanged(neighbour),
    };
  }

  private linkChanged(neighbour: Neighbour): void {
    this.outbox.deliver(neighbour);
    this.changed.ring();
    this.options.events.onLinks();
  }

  private answer(link: PeerLink, round: number, hash: string): void {
    const held = this.store.peek(hash);
    if (held === undefined) void this.lending.serve(link, round, hash);
    else link.push(held.round, hash, held.payload);
  }

  private hearOffer(link: PeerLink, round: number, hash: string): void {
    if (this.has(hash)) return;
    if (this.offers.note(link, hash)) this.topology.offered(this.spread, link, round, hash);
    this.changed.ring();
  }

  private hearList(link: PeerLink, stateHash: string, list: string): void {
    this.fetching?.hear(link, stateHash, list);
    this.changed.ring();
  }

  private arrive(round: number, hash: string, payload: Uint8Array, asked: boolean): void {
    if (this.fetching?.take(hash, payload) === true) return this.changed.ring();
    const wasSought = this.offers.found(hash);
    this.store.put(round, hash, payload, asked);
    this.topology.arrived(this.spread, round, hash, wasSought);
    this.offers.forget(hash);
    this.options.events.onPayload(round, hash);
    this.changed.ring();
  }

  // ---- What goes out to them.

  private want(link: PeerLink, round: number, hash: string): void {
    if (this.links.open().some((open) => open.progress(hash) > 0)) return; // it is coming
    this.offers.seek(round, hash);
    link.want(round, hash);
  }

  /** To whoever has not said that it has it. */
  private announce(round: number, hash: string): void {
    for (const link of this.links.open()) if (this.offers.of(hash)?.has(link) !== true) link.announce(round, hash);
    this.offers.forget(hash);
  }

  // ---- The relay.

  private async askRelay(round: number, hash: string): Promise<void> {
    const payload = await this.options.relay.get(hash).catch(() => null);
    if (payload === null) return;
    if (sha256Hex(this.counted(payload)) === hash) this.arrive(round, hash, payload, true);
    else this.aside.refusedFrames += 1;
  }

  private counted(bytes: Uint8Array): Uint8Array {
    this.aside.bytesReceived += bytes.length;
    return bytes;
  }
}
