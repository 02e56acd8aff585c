// A virtual worker at work: its state of the job, which it brings up to date with the closed rounds, and its part in the open
// one, which it trains by waiting.

import type { Assignment, ClosedRound, Lease, WorkerMessage } from '../../../protocol/messages.ts';
import { applyRound, corrupted, initialState, pieceHash } from '../state.ts';
import type { VirtualState } from '../state.ts';
import { chooseHash, isOnTheWay, stateRef } from './catch-up.ts';
import type { CatchUp } from './catch-up.ts';
import type { Payloads } from './payloads.ts';
import { noTraffic } from './self.ts';
import type { Self } from './self.ts';

type CommitMessage = Extract<WorkerMessage, { type: 'commit' }>;

export interface TrainingEvents {
  isConnected(): boolean;
  onCommit(hash: string): void;
  /** A closed round was lost on the way. */
  onGap(): void;
}

export class Training {
  holds: VirtualState | null = null;
  commit: CommitMessage | null = null; // of the latest round it trained
  private readonly self: Self;
  private readonly payloads: Payloads;
  private readonly events: TrainingEvents;
  private reported: VirtualState | null = null;
  private log: readonly ClosedRound[] = []; // closed rounds still to be applied
  private course = 0; // grows when it catches up anew
  private isBusy = false; // restoring or applying
  private assignment: Assignment | null = null; // the latest
  private training: number | null = null; // the round it trains

  constructor(self: Self, payloads: Payloads, events: TrainingEvents) {
    this.self = self;
    this.payloads = payloads;
    this.events = events;
  }

  /** Its payload is shown only when the room tells of it. */
  get isSealed(): boolean {
    return this.self.isVerified || this.commit?.pieces !== undefined;
  }

  forgetAll(): void {
    this.holds = null;
    this.log = [];
    this.isBusy = false;
    this.course += 1;
    this.commit = null;
    this.assignment = null;
    this.training = null;
  }

  stop(): void {
    this.training = null;
  }

  /** Continues from what it holds if that lies on the way to the current state, else from the checkpoint or the seed. */
  catchUp(message: CatchUp): void {
    const { checkpoint, log } = message;
    const { network, host } = this.self;
    this.course += 1;
    this.reported = null;
    this.isBusy = false;
    this.training = null;
    this.log = log;
    if (this.holds !== null && isOnTheWay(this.holds, message)) return this.proceed();
    this.holds = null;
    this.busyFor(network.between(50, 500), () => {
      this.holds = checkpoint === null ? initialState : host.checkpoints.get(checkpoint.round)!;
    });
  }

  takeClosed(closed: ClosedRound): void {
    if (this.training !== null && this.training + this.self.staleness <= closed.round) this.training = null;
    if (!this.log.some(({ round }) => round === closed.round)) this.log = [...this.log, closed];
    this.proceed();
  }

  /** Applies the closed rounds it has everything for, one after the other; then it is up to date. */
  proceed(): void {
    const { holds, self } = this;
    if (holds === null || this.isBusy) return;
    this.log = this.log.filter(({ round }) => round >= holds.round).toSorted((a, b) => a.round - b.round);
    const [next] = this.log;
    if (next === undefined) return this.sayApplied(holds);
    if (next.round > holds.round) return this.events.onGap();
    const hashes = next.accepted.map(({ hash }) => hash);
    if (this.payloads.hasAll(next.round, hashes)) this.busyFor(self.network.between(10, 200), () => this.apply(next));
  }

  /** The same work is not done twice; another assignment for the same round is. */
  train(assignment: Assignment): void {
    const { round, seed, steps, evaluate } = assignment;
    const { self, commit, course } = this;
    const isSame = this.assignment?.seed === seed && this.assignment.steps === steps;
    if (isSame && commit?.round === round && this.payloads.has(commit.hash)) return self.say(commit);
    if (self.isPaused || (isSame && this.training === round) || !this.mayTrainFrom(round)) return;
    this.training = round;
    this.assignment = assignment;
    const tokens = steps * self.tokensPerStep;
    const seconds = (tokens / self.traits.tokensPerSecond) * self.network.between(0.9, 1.2);
    self.later(1000 * seconds, () => {
      if (this.training !== round || this.assignment !== assignment || this.course !== course) return;
      this.training = null;
      this.publish(assignment, tokens, seconds, evaluate ? { loss: 4 / (round + 1), tokens: 100 } : null);
    });
  }

  /** An assignment for a state that it has left meanwhile is trained from the one it holds. */
  private mayTrainFrom(round: number): boolean {
    const { staleness, earliness } = this.self;
    return this.holds !== null && this.holds.round >= round - earliness && this.holds.round <= round + staleness;
  }

  upload({ kind, fence, round }: Lease): void {
    const { holds, self } = this;
    const { network, host } = self;
    const fails = network.failsUpload();
    if (holds?.round !== round || (fails && network.random.below(2) === 0)) {
      return self.say({ type: 'declined', kind, fence, reason: 'cannot' });
    }
    if (fails) return;
    self.later(network.between(100, 2_000), () => {
      if (!host.store(self.id, fence, holds)) return;
      const evaluation = kind === 'artifact' ? { loss: 2, tokens: 100, unigramLoss: 3, bigramLoss: 2.4 } : null;
      self.say({ type: 'uploaded', kind, fence, ...stateRef(holds), bytes: 1000, evaluation });
    });
  }

  /** Once a connection. */
  private sayApplied(holds: VirtualState): void {
    if (this.reported === holds) return;
    this.reported = this.events.isConnected() ? holds : null;
    this.self.say({ type: 'applied', ...stateRef(holds), traffic: noTraffic });
  }

  private apply(closed: ClosedRound): void {
    const { random } = this.self.network;
    const next = applyRound(this.holds!, closed);
    const goesWrong = random.uniform() < this.self.traits.corruption;
    this.holds = goesWrong ? corrupted(next, random.uint32()) : next;
  }

  /** Does something that takes a while, then proceeds; void if it has to catch up anew meanwhile. */
  private busyFor(ms: number, work: () => void): void {
    const { course } = this;
    this.isBusy = true;
    this.self.later(ms, () => {
      if (this.course !== course) return;
      this.isBusy = false;
      work();
      this.proceed();
    });
  }

  private publish(
    { round, segments }: Assignment,
    tokens: number,
    seconds: number,
    validation: CommitMessage['validation'],
  ): void {
    const { traits, network } = this.self;
    const hash = chooseHash(traits.malice, this.payloads.hashes, this.commit?.hash ?? null, network.random);
    const work = { round, hash, bytes: 1000, tokens, loss: 5 / (round + 1), seconds, validation };
    const pieces = Array.from({ length: segments ?? 0 }, (_, segment) => pieceHash(hash, segment));
    this.commit = { type: 'commit', ...work, ...(segments && { pieces }), traffic: noTraffic };
    for (const held of [hash, ...pieces]) this.payloads.keep(round, held);
    this.self.say(this.commit);
    this.events.onCommit(hash);
    if (!this.isSealed) this.payloads.show(round, hash);
  }
}
