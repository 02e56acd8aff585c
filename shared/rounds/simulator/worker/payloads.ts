// The payloads of a virtual worker, which are only hashes: it shows its own to its neighbours, fetches those of others, makes
// one of many where its group folds, and tells the room what it has and what cannot be had.

import type { ClosedRound, Peer, RoomMessage } from '../../../protocol/messages.ts';
import { foldHash, hashFrom } from '../state.ts';
import type { Self } from './self.ts';

type FoldMessage = Extract<RoomMessage, { type: 'fold' }>;

const retryMs = 2_000;
const missingMs = 4_500;

export class Payloads {
  linked: readonly Peer[] = []; // members it has links with
  private readonly self: Self;
  private readonly others: (workerId: string) => Payloads | undefined;
  private readonly onArrival: () => void;
  private readonly held = new Map<string, number>(); // round by hash; peers fetch from here
  private readonly wanted = new Map<string, { round: number; since: number }>();
  private readonly announced = new Map<string, number>(); // payloads that the room has told of, and in which round
  private readonly reportsDue = new Set<number>(); // rounds
  private readonly folds = new Map<number, FoldMessage>(); // asked for and not yet made, by node

  constructor(self: Self, others: (workerId: string) => Payloads | undefined, onArrival: () => void) {
    this.self = self;
    this.others = others;
    this.onArrival = onArrival;
  }

  get hashes(): string[] {
    return [...this.held.keys()];
  }

  has(hash: string): boolean {
    return this.held.has(hash);
  }

  keep(round: number, hash: string): void {
    this.held.set(hash, round);
  }

  forgetAll(): void {
    this.reportsDue.clear();
    this.announced.clear();
    this.held.clear();
    this.wanted.clear();
  }

  forgetWishes(): void {
    this.wanted.clear();
    this.folds.clear();
  }

  forgetBefore(round: number): void {
    for (const [hash, of] of this.announced) if (of < round) this.announced.delete(hash);
    for (const [hash, of] of this.held) if (of < round - this.self.staleness) this.held.delete(hash);
  }

  /** What a closed round did not take is wanted no longer. */
  roundOver(closed: ClosedRound): void {
    this.folds.clear();
    const accepted = new Set(closed.accepted.map(({ hash }) => hash));
    for (const [hash, { round }] of this.wanted)
      if (round === closed.round && !accepted.has(hash)) this.wanted.delete(hash);
  }

  /** Whether all of these are here; those that are not are asked for. */
  hasAll(round: number, hashes: readonly string[]): boolean {
    const lacking = hashes.filter((hash) => !this.held.has(hash));
    for (const hash of lacking) this.want(round, hash, 0);
    return lacking.length === 0;
  }

  show(round: number, hash: string): void {
    for (const peer of this.neighbours()) this.deliver(peer, round, hash);
  }

  /** A payload exists: it is here already, or should come. */
  heed(round: number, hash: string): void {
    this.announced.set(hash, round);
    if (this.held.has(hash)) this.reportSoon(round);
    else this.want(round, hash);
  }

  reportReceived(round: number): void {
    if (this.self.traits.malice === 'deaf') return;
    const isOf = ([hash, of]: [string, number]): boolean => of === round || this.announced.get(hash) === round;
    const hashes = [...this.held].filter(isOf).map(([hash]) => hash);
    if (hashes.length > 0) this.self.say({ type: 'received', round, hashes });
  }

  relay(hashes: readonly string[]): void {
    const { self } = this;
    for (const hash of hashes.filter((held) => this.held.has(held))) {
      self.later(self.network.delayMs(), () => {
        if (self.host.isUp) self.network.relayed.add(hash);
      });
    }
  }

  keepAsking(): void {
    for (const hash of this.wanted.keys()) this.fetch(hash);
    this.askAgainLater();
  }

  askAgainLater(): void {
    this.self.later(retryMs, () => this.keepAsking());
  }

  /** Something is here that may be what others wait for. */
  changed(): void {
    this.onArrival();
    this.fold();
  }

  askedToFold(message: FoldMessage): void {
    this.folds.set(message.node, message);
    this.fold();
  }

  private neighbours(): Payloads[] {
    return this.linked.flatMap(({ workerId }) => this.others(workerId) ?? []);
  }

  /** Makes the payloads it was asked to make, as soon as what goes into them is here. */
  private fold(): void {
    const { self } = this;
    for (const [node, message] of this.folds) {
      const hashes = message.inputs.map(({ hash }) => hash);
      if (!this.hasAll(message.round, hashes)) continue;
      this.folds.delete(node);
      self.later(self.network.between(10, 100), () => this.sayFolded(message));
    }
  }

  private sayFolded({ round, node, inputs }: FoldMessage): void {
    const { self } = this;
    const { network, traits } = self;
    const goesWrong = network.random.uniform() < traits.corruption;
    const hash = goesWrong ? hashFrom(network.random.uint32()) : foldHash(inputs);
    this.held.set(hash, round);
    this.wanted.delete(hash);
    self.say({ type: 'folded', round, node, hash, bytes: 1000 });
    this.offer(round, hash);
    this.changed();
  }

  /** Neighbours that wait for a payload get it. */
  private offer(round: number, hash: string): void {
    for (const peer of this.neighbours()) if (peer.wanted.has(hash)) this.deliver(peer, round, hash);
  }

  /** Sends a payload to a peer, if a connection opens. */
  private deliver(peer: Payloads, round: number, hash: string): void {
    const { network, traits } = this.self;
    if (!this.canReach(peer)) return;
    network.clock.after(traits.slowLink * network.delayMs(), () => {
      if (this.canReach(peer)) peer.arrive(round, hash);
    });
  }

  private canReach({ self: peer }: Payloads): boolean {
    const { self } = this;
    const areUp = peer !== self && self.isAlive && peer.isAlive;
    return areUp && !self.traits.relayOnly && !peer.traits.relayOnly && self.network.reaches(self.id, peer.id);
  }

  private arrive(round: number, hash: string): void {
    this.wanted.delete(hash);
    if (this.held.has(hash)) return;
    this.held.set(hash, round);
    this.offer(round, hash);
    const announcedIn = this.announced.get(hash);
    if (announcedIn !== undefined) this.reportSoon(announcedIn);
    this.self.later(0, () => this.onArrival());
    this.self.later(0, () => this.fold());
  }

  /** Together with what else arrives within a moment. */
  private reportSoon(round: number): void {
    if (this.reportsDue.has(round)) return;
    this.reportsDue.add(round);
    this.self.later(50, () => {
      this.reportsDue.delete(round);
      this.reportReceived(round);
    });
  }

  /** Waits a moment for the payload to come by itself, then asks for it. */
  private want(round: number, hash: string, patienceMs = 1_000): void {
    if (this.held.has(hash) || this.wanted.has(hash)) return;
    this.wanted.set(hash, { round, since: this.self.network.clock.now });
    this.self.later(patienceMs, () => this.fetch(hash));
  }

  /** From any peer or the relay; after a while without success it tells the room. */
  private fetch(hash: string): void {
    const { self } = this;
    const wish = this.wanted.get(hash);
    if (wish === undefined) return;
    const holder = this.neighbours().find((peer) => peer.held.has(hash) && this.canReach(peer));
    if (holder !== undefined) return holder.deliver(this, wish.round, hash);
    if (self.network.relayed.has(hash) && self.host.isUp) {
      return self.later(self.network.delayMs(), () => this.arrive(wish.round, hash));
    }
    if (self.network.clock.now - wish.since < missingMs) return;
    this.wanted.set(hash, { ...wish, since: self.network.clock.now });
    self.say({ type: 'missing', round: wish.round, hashes: [hash] });
  }
}
