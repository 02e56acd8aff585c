// A virtual worker: speaks the real messages, trains by waiting, exchanges payloads that are only hashes. It does what
// client/worker does, without tensors, and can be made to fail in every way a tab can.

import type {
  AcceptedContribution,
  Assignment,
  ClosedRound,
  Lease,
  Peer,
  RoomMessage,
  WorkerMessage,
} from '../../protocol/messages.ts';
import type { Likeness } from '../../verification/compare.ts';
import { tokensPerStep } from '../pace/schedule.ts';
import { chooseHash, greeting, isOnTheWay, stateRef } from './catch-up.ts';
import type { CatchUp } from './catch-up.ts';
import type { Host } from './host.ts';
import type { Network } from './network.ts';
import type { Scenario, WorkerTraits } from './scenario.ts';
import type { Socket } from './socket.ts';
import { applyRound, corrupted, foldHash, hashFrom, initialState, virtualHash } from './state.ts';
import type { VirtualState } from './state.ts';

type CommitMessage = Extract<WorkerMessage, { type: 'commit' }>;
type FoldMessage = Extract<RoomMessage, { type: 'fold' }>;
type Measure = Extract<RoomMessage, { type: 'measure' }>;
type AuditMessage = Extract<RoomMessage, { type: 'audit' }>;
type Confirm = Extract<RoomMessage, { type: 'confirm' }>;

const retryMs = 2_000;
const missingMs = 4_500;
const noTraffic = { bytesSent: 0, bytesReceived: 0, peers: 0 };

export class VirtualWorker {
  readonly id: string;
  readonly traits: WorkerTraits;
  /** Payloads it has; peers fetch from here. */
  readonly payloads = new Map<string, number>(); // round by hash
  isAlive = false;
  isPaused = false;
  hasLeft = false;
  isTurnedAway = false;
  private readonly network: Network;
  private readonly host: Host;
  private readonly peers: ReadonlyMap<string, VirtualWorker>;
  private readonly tokensPerStep: number;
  private readonly untrue = new Map<string, boolean>(); // of its payloads, whether nothing was trained for them
  private readonly isVerified: boolean;
  private life = 0; // grows with every start: what an earlier life planned is void
  private frozenUntil = 0;
  private socket: Socket | null = null;
  private holds: VirtualState | null = null;
  private reported: VirtualState | null = null;
  private log: ClosedRound[] = []; // closed rounds still to be applied
  private course = 0; // grows when it catches up anew
  private isBusy = false; // restoring or applying
  private commit: CommitMessage | null = null; // of the latest round it trained
  private assignment: Assignment | null = null; // the latest
  private training: number | null = null; // the round it trains
  private wanted = new Map<string, { round: number; since: number }>();
  private readonly announced = new Set<string>(); // payloads that the room has told of
  private readonly reportsDue = new Set<number>(); // rounds
  private linked: readonly Peer[] = []; // members it has links with
  private readonly folds = new Map<number, FoldMessage>(); // asked for and not yet made, by node

  constructor(
    id: string,
    traits: WorkerTraits,
    network: Network,
    host: Host,
    scenario: Scenario,
    peers: ReadonlyMap<string, VirtualWorker>,
  ) {
    this.id = id;
    this.traits = traits;
    this.network = network;
    this.host = host;
    this.peers = peers;
    this.tokensPerStep = tokensPerStep(scenario.manifest);
    this.isVerified = scenario.manifest.spec.verification !== 'none';
  }

  /** Starts with an empty memory. */
  start(): void {
    this.life += 1;
    this.isAlive = true;
    this.isPaused = false;
    this.hasLeft = false;
    this.forget();
    this.later(this.network.between(100, 3_000), () => this.connect());
    this.later(retryMs, () => this.keepAsking());
  }

  /** Loses everything; the room finds out after a while. */
  crash(): void {
    this.life += 1;
    this.isAlive = false;
    this.dropSocket();
    this.payloads.clear();
  }

  /** Loses the connection to the room, and reconnects. */
  flap(): void {
    this.dropSocket();
    this.later(this.network.between(100, 3_000), () => this.connect());
  }

  freeze(forMs: number): void {
    this.frozenUntil = this.network.clock.now + forMs;
  }

  thaw(): void {
    this.frozenUntil = 0;
  }

  pause(): void {
    this.isPaused = true;
    this.training = null;
    this.say({ type: 'pause' });
  }

  resume(): void {
    this.isPaused = false;
    this.say({ type: 'resume' });
  }

  leave(): void {
    this.hasLeft = true;
    this.say({ type: 'leave', reason: 'closed the page' });
    this.network.clock.after(1_000, () => this.crash());
  }

  get connected(): Socket | null {
    return this.socket;
  }

  private forget(): void {
    this.reportsDue.clear();
    this.announced.clear();
    this.payloads.clear();
    this.wanted.clear();
    this.holds = null;
    this.log = [];
    this.isBusy = false;
    this.course += 1;
    this.commit = null;
    this.assignment = null;
    this.training = null;
  }

  private connect(): void {
    if (this.hasLeft || this.isTurnedAway || this.socket?.isOpen) return;
    const socket = this.host.connect(this.id, (message) => this.later(0, () => this.hear(socket!, message)));
    this.socket = socket;
    this.later(this.network.between(500, 3_000), () => this.reconnectIfLost());
    if (socket === null) return;
    this.say(greeting(this.id, this.traits.tokensPerSecond, this.holds));
  }

  /** As a heartbeat would. */
  private reconnectIfLost(): void {
    if (this.socket?.isOpen !== true) return this.connect();
    this.later(this.network.between(500, 3_000), () => this.reconnectIfLost());
  }

  private dropSocket(): void {
    const { socket } = this;
    if (socket === null) return;
    socket.close();
    this.network.clock.after(this.network.between(0, 5_000), () => this.host.lose(socket));
    this.socket = null;
  }

  private hear(socket: Socket, message: RoomMessage): void {
    if (socket !== this.socket) return;
    switch (message.type) {
      case 'welcome':
        this.linked = message.peers;
        this.catchUp(message);
        return this.repeat(message.round);
      case 'resync':
        return this.catchUp(message);
      case 'assign':
        return this.train(message.assignment);
      case 'committed':
        this.show(message.contributions);
        for (const { hash } of message.contributions) this.heed(message.round, hash);
        return;
      case 'measure':
        return this.measure(message);
      case 'audit':
        return this.audit(message);
      case 'confirm':
        return this.confirm(message);
      case 'fold':
        this.folds.set(message.node, message);
        return this.fold();
      case 'peers':
        this.linked = message.peers;
        return;
      case 'close':
        return this.takeClosed(message.closed);
      case 'relay':
        return this.relay(message.hashes);
      case 'lease':
        return this.upload(message.lease);
      case 'checkpointed':
        return this.forgetBefore(message.checkpoint.round);
      case 'refused':
        if (message.code === 'forbidden') this.isTurnedAway = true;
        return;
    }
  }

  /** Continues from what it holds if that lies on the way to the current state, else from the checkpoint or the seed. */
  private catchUp(message: CatchUp): void {
    const { checkpoint, log } = message;
    this.course += 1;
    this.reported = null;
    this.isBusy = false;
    this.training = null;
    this.wanted.clear();
    this.folds.clear();
    this.log = log;
    if (this.holds !== null && isOnTheWay(this.holds, message)) return this.proceed();
    this.holds = null;
    this.busyFor(this.network.between(50, 500), () => {
      this.holds = checkpoint === null ? initialState : this.host.checkpoints.get(checkpoint.round)!;
    });
  }

  /** Says again what a lost connection may have swallowed. */
  private repeat(round: number): void {
    if (this.isPaused) this.say({ type: 'pause' });
    if (this.commit?.round === round) this.say(this.commit);
    this.reportReceived(round);
  }

  private takeClosed(closed: ClosedRound): void {
    if (this.training === closed.round) this.training = null;
    this.folds.clear();
    const accepted = new Set(closed.accepted.map(({ hash }) => hash));
    for (const [hash, { round }] of this.wanted)
      if (round === closed.round && !accepted.has(hash)) this.wanted.delete(hash);
    if (!this.log.some(({ round }) => round === closed.round)) this.log = [...this.log, closed];
    this.proceed();
  }

  /** Applies the closed rounds it has everything for, one after the other; then it is up to date. */
  private proceed(): void {
    const { holds } = this;
    if (holds === null || this.isBusy) return;
    this.log = this.log.filter(({ round }) => round >= holds.round).toSorted((a, b) => a.round - b.round);
    const [next] = this.log;
    if (next === undefined) return this.sayApplied(holds);
    if (next.round > holds.round) return this.flap(); // a closed round was lost on the way
    const lacking = next.accepted.filter(({ hash }) => !this.payloads.has(hash));
    for (const { hash } of lacking) this.want(next.round, hash, 0);
    if (lacking.length === 0) this.busyFor(this.network.between(10, 200), () => this.apply(next));
  }

  /** Once a connection. */
  private sayApplied(holds: VirtualState): void {
    if (this.reported === holds) return;
    this.reported = this.socket?.isOpen ? holds : null;
    this.say({ type: 'applied', ...stateRef(holds), traffic: noTraffic });
  }

  private apply(closed: ClosedRound): void {
    const next = applyRound(this.holds!, closed);
    const goesWrong = this.network.random.uniform() < this.traits.corruption;
    this.holds = goesWrong ? corrupted(next, this.network.random.uint32()) : next;
  }

  /** Does something that takes a while, then proceeds; void if it has to catch up anew meanwhile. */
  private busyFor(ms: number, work: () => void): void {
    const { course } = this;
    this.isBusy = true;
    this.later(ms, () => {
      if (this.course !== course) return;
      this.isBusy = false;
      work();
      this.proceed();
    });
  }

  /** The same work is not done twice; another assignment for the same round is. */
  private train(assignment: Assignment): void {
    const { round, seed, steps, evaluate } = assignment;
    const isSame = this.assignment?.seed === seed && this.assignment.steps === steps;
    if (isSame && this.commit?.round === round && this.payloads.has(this.commit.hash)) return this.say(this.commit);
    if (this.isPaused || (isSame && this.training === round) || this.holds?.round !== round) return;
    this.training = round;
    this.assignment = assignment;
    const { course } = this;
    const tokens = steps * this.tokensPerStep;
    const seconds = (tokens / this.traits.tokensPerSecond) * this.network.between(0.9, 1.2);
    this.later(1000 * seconds, () => {
      if (this.training !== round || this.assignment !== assignment || this.course !== course) return;
      this.training = null;
      this.publish(round, tokens, seconds, evaluate ? { loss: 4 / (round + 1), tokens: 100 } : null);
    });
  }

  private publish(round: number, tokens: number, seconds: number, validation: CommitMessage['validation']): void {
    const hash = chooseHash(
      this.traits.malice,
      [...this.payloads.keys()],
      this.commit?.hash ?? null,
      this.network.random,
    );
    const work = { round, hash, bytes: 1000, tokens, loss: 5 / (round + 1), seconds, validation };
    this.commit = { type: 'commit', ...work, traffic: noTraffic };
    this.payloads.set(hash, round);
    this.say(this.commit);
    this.untrue.set(hash, this.traits.malice === 'liar');
    if (!this.isVerified) for (const peer of this.neighbours()) this.deliver(peer, round, hash);
  }

  /** With verification a payload is shown to nobody before all have committed. */
  private show(contributions: readonly AcceptedContribution[]): void {
    const own = this.commit;
    if (!this.isVerified || own === null || !contributions.some(({ hash }) => hash === own.hash)) return;
    for (const peer of this.neighbours()) this.deliver(peer, own.round, own.hash);
  }

  /** Says of a payload whether it is somebody's work; a liar says the opposite. */
  private judge(hash: string): boolean {
    const isWork = ![...this.peers.values()].some((peer) => peer.untrue.get(hash) === true);
    return this.traits.malice === 'liar' ? !isWork : isWork;
  }

  private measure({ round, contributions }: Measure): void {
    this.later(this.network.between(50, 500), () => {
      if (this.commit?.round !== round) return;
      const after = contributions.map(({ hash }) => ({ hash, loss: this.judge(hash) ? 2.9 : 3.5 }));
      this.say({ type: 'measured', round, before: 3, after });
    });
  }

  private audit({ audits }: AuditMessage): void {
    for (const { hash, steps } of audits) {
      const seconds = (steps * this.tokensPerStep) / this.traits.tokensPerSecond;
      const likeness = (): Likeness => (this.judge(hash) ? { cosine: 1, error: 0 } : { cosine: 0, error: 1 });
      this.later(1000 * seconds, () => this.say({ type: 'audited', hash, likeness: likeness() }));
    }
  }

  private confirm({ fence, round }: Confirm): void {
    const stored = this.host.checkpoints.get(round);
    const stateHash = stored === undefined ? null : virtualHash(stored);
    this.later(this.network.between(50, 500), () => this.say({ type: 'confirmed', fence, stateHash }));
  }

  private neighbours(): VirtualWorker[] {
    return this.linked.flatMap(({ workerId }) => this.peers.get(workerId) ?? []);
  }

  /** Makes the payloads it was asked to make, as soon as what goes into them is here. */
  private fold(): void {
    for (const [node, message] of this.folds) {
      const lacking = message.inputs.filter(({ hash }) => !this.payloads.has(hash));
      for (const { hash } of lacking) this.want(message.round, hash, 0);
      if (lacking.length > 0) continue;
      this.folds.delete(node);
      this.later(this.network.between(10, 100), () => this.sayFolded(message));
    }
  }

  private sayFolded({ round, node, inputs }: FoldMessage): void {
    const goesWrong = this.network.random.uniform() < this.traits.corruption;
    const hash = goesWrong ? hashFrom(this.network.random.uint32()) : foldHash(inputs);
    this.payloads.set(hash, round);
    this.wanted.delete(hash);
    this.say({ type: 'folded', round, node, hash, bytes: 1000 });
    this.offer(round, hash);
    this.proceed();
    this.fold();
  }

  /** Neighbours that wait for a payload get it. */
  private offer(round: number, hash: string): void {
    for (const peer of this.neighbours()) if (peer.wanted.has(hash)) this.deliver(peer, round, hash);
  }

  /** Sends a payload to a peer, if a connection opens. */
  private deliver(peer: VirtualWorker, round: number, hash: string): void {
    if (!this.canReach(peer)) return;
    this.network.clock.after(this.traits.slowLink * this.network.delayMs(), () => {
      if (this.canReach(peer)) peer.arrive(round, hash);
    });
  }

  private canReach(peer: VirtualWorker): boolean {
    const areUp = peer !== this && this.isAlive && peer.isAlive;
    return areUp && !this.traits.relayOnly && !peer.traits.relayOnly && this.network.reaches(this.id, peer.id);
  }

  private arrive(round: number, hash: string): void {
    this.wanted.delete(hash);
    if (this.payloads.has(hash)) return;
    this.payloads.set(hash, round);
    this.offer(round, hash);
    if (this.announced.has(hash)) this.reportSoon(round);
    this.later(0, () => this.proceed());
    this.later(0, () => this.fold());
  }

  /** Together with what else arrives within a moment. */
  private reportSoon(round: number): void {
    if (this.reportsDue.has(round)) return;
    this.reportsDue.add(round);
    this.later(50, () => {
      this.reportsDue.delete(round);
      this.reportReceived(round);
    });
  }

  private reportReceived(round: number): void {
    if (this.traits.malice === 'deaf') return;
    const hashes = [...this.payloads].filter(([, of]) => of === round).map(([hash]) => hash);
    if (hashes.length > 0) this.say({ type: 'received', round, hashes });
  }

  /** A payload exists: it is here already, or should come. */
  private heed(round: number, hash: string): void {
    this.announced.add(hash);
    if (this.payloads.has(hash)) this.reportSoon(round);
    else this.want(round, hash);
  }

  /** Waits a moment for the payload to come by itself, then asks for it. */
  private want(round: number, hash: string, patienceMs = 1_000): void {
    if (this.payloads.has(hash) || this.wanted.has(hash)) return;
    this.wanted.set(hash, { round, since: this.network.clock.now });
    this.later(patienceMs, () => this.fetch(hash));
  }

  private keepAsking(): void {
    for (const hash of this.wanted.keys()) this.fetch(hash);
    this.later(retryMs, () => this.keepAsking());
  }

  /** From any peer or the relay; after a while without success it tells the room. */
  private fetch(hash: string): void {
    const wish = this.wanted.get(hash);
    if (wish === undefined) return;
    const holder = this.neighbours().find((peer) => peer.payloads.has(hash) && this.canReach(peer));
    if (holder !== undefined) return holder.deliver(this, wish.round, hash);
    if (this.network.relayed.has(hash) && this.host.isUp) {
      return this.later(this.network.delayMs(), () => this.arrive(wish.round, hash));
    }
    if (this.network.clock.now - wish.since < missingMs) return;
    this.wanted.set(hash, { ...wish, since: this.network.clock.now });
    this.say({ type: 'missing', round: wish.round, hashes: [hash] });
  }

  private relay(hashes: readonly string[]): void {
    for (const hash of hashes.filter((held) => this.payloads.has(held))) {
      this.later(this.network.delayMs(), () => {
        if (this.host.isUp) this.network.relayed.add(hash);
      });
    }
  }

  private upload({ kind, fence, round }: Lease): void {
    const { holds } = this;
    const fails = this.network.random.uniform() < this.network.faults.failedUpload;
    if (holds?.round !== round || (fails && this.network.random.below(2) === 0)) {
      return this.say({ type: 'declined', kind, fence, reason: 'cannot' });
    }
    if (fails) return;
    this.later(this.network.between(100, 2_000), () => {
      if (!this.host.store(this.id, fence, holds)) return;
      const evaluation = kind === 'artifact' ? { loss: 2, tokens: 100, unigramLoss: 3, bigramLoss: 2.4 } : null;
      this.say({ type: 'uploaded', kind, fence, ...stateRef(holds), bytes: 1000, evaluation });
    });
  }

  private forgetBefore(round: number): void {
    this.announced.clear();
    for (const [hash, of] of this.payloads) if (of < round) this.payloads.delete(hash);
  }

  private say(message: WorkerMessage): void {
    if (this.socket?.isOpen) this.socket.sendToRoom(message);
  }

  /** Later in this life; a frozen worker does it when it thaws. */
  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    const tryIt = (): void => {
      if (this.life !== life) return;
      const waitMs = this.frozenUntil - this.network.clock.now;
      if (waitMs > 0) this.network.clock.after(waitMs, tryIt);
      else run();
    };
    this.network.clock.after(delayMs, tryIt);
  }
}
