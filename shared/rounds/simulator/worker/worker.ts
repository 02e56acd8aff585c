// A virtual worker: speaks the real messages, trains by waiting, exchanges payloads that are only hashes. It does what
// client/worker does, without tensors, and can be made to fail in every way a tab can.

import type { AcceptedContribution, RoomMessage, WorkerMessage } from '../../../protocol/messages.ts';
import { tokensPerStep } from '../../pace/schedule.ts';
import type { Host } from '../host.ts';
import type { Network } from '../network.ts';
import type { Scenario, WorkerTraits } from '../scenario.ts';
import { Adding } from './adding.ts';
import { greeting } from './catch-up.ts';
import { Checks } from './checks.ts';
import { Line } from './line.ts';
import { Payloads } from './payloads.ts';
import type { Self } from './self.ts';
import { Training } from './training.ts';

const drainMs = 25_000;

export class VirtualWorker implements Self {
  readonly id: string;
  readonly traits: WorkerTraits;
  readonly network: Network;
  readonly host: Host;
  readonly tokensPerStep: number;
  readonly isVerified: boolean;
  readonly staleness: number;
  readonly earliness: number;
  isAlive = false;
  isPaused = false;
  isDraining = false;
  private readonly line: Line;
  private readonly payloads: Payloads;
  private readonly training: Training;
  private readonly checks: Checks;
  private readonly adding: Adding;
  private life = 0; // grows with every start: what an earlier life planned is void
  private frozenUntil = 0;
  private isTurnedAway = false;

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
    this.tokensPerStep = tokensPerStep(scenario.manifest);
    this.isVerified = scenario.manifest.spec.verification !== 'none';
    this.staleness = scenario.manifest.spec.rounds.staleness;
    this.earliness = scenario.manifest.spec.rounds.overlap ? 1 : 0;
    this.line = new Line(this, {
      greeting: () => greeting(this.id, traits.tokensPerSecond, this.training.holds),
      onMessage: (message) => this.hear(message),
    });
    this.payloads = new Payloads(
      this,
      (workerId) => peers.get(workerId)?.payloads,
      () => this.work(),
    );
    this.adding = new Adding(this, this.payloads);
    this.training = new Training(this, this.payloads, {
      isConnected: () => this.line.isOpen,
      onCommit: (hash) => this.checks.noteOwn(hash),
      onGap: () => this.flap(),
    });
    this.checks = new Checks(this, this.training, () => [...peers.values()].map((peer) => peer.checks));
  }

  /** Starts with an empty memory. */
  start(): void {
    this.life += 1;
    this.isAlive = true;
    this.isPaused = false;
    this.line.isGivenUp = this.isTurnedAway;
    this.payloads.forgetAll();
    this.adding.stop();
    this.training.forgetAll();
    this.line.connectSoon();
    this.payloads.askAgainLater();
  }

  /** Loses everything; the room finds out after a while. */
  crash(): void {
    this.life += 1;
    this.isAlive = false;
    this.isDraining = false;
    this.line.drop();
    this.payloads.forgetAll();
  }

  /** Loses the connection to the room, and reconnects. */
  flap(): void {
    this.line.drop();
    this.line.connectSoon();
  }

  freeze(forMs: number): void {
    this.frozenUntil = this.network.clock.now + forMs;
  }

  thaw(): void {
    this.frozenUntil = 0;
  }

  pause(): void {
    this.isPaused = true;
    this.training.stop();
    this.say({ type: 'pause' });
  }

  resume(): void {
    this.isPaused = false;
    this.say({ type: 'resume' });
  }

  leave(): void {
    this.line.isGivenUp = true;
    this.say({ type: 'leave', reason: 'closed the page' });
    const { life } = this;
    this.network.clock.after(1_000, () => {
      if (this.life === life) this.crash();
    });
  }

  /** Asks to be let go, and goes after a while if nobody answers. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.sayDrain();
    this.later(drainMs, () => this.leave());
  }

  private sayDrain(): void {
    this.say({ type: 'drain', reason: 'its machine is wanted' });
  }

  say(message: WorkerMessage): void {
    this.line.say(message);
  }

  later(delayMs: number, run: () => void): void {
    const { life } = this;
    const tryIt = (): void => {
      if (this.life !== life) return;
      const waitMs = this.frozenUntil - this.network.clock.now;
      if (waitMs > 0) this.network.clock.after(waitMs, tryIt);
      else run();
    };
    this.network.clock.after(delayMs, tryIt);
  }

  /** Something arrived. */
  private work(): void {
    this.training.proceed();
    this.adding.proceed();
  }

  private hear(message: RoomMessage): void {
    const { payloads, training, checks, adding } = this;
    switch (message.type) {
      case 'welcome':
        payloads.linked = message.peers;
        payloads.forgetWishes();
        adding.stop();
        training.catchUp(message);
        return this.repeat(message.round);
      case 'resync':
        payloads.forgetWishes();
        adding.stop();
        return training.catchUp(message);
      case 'assign':
        return training.train(message.assignment);
      case 'committed':
        adding.stop();
        this.showOwn(message.contributions);
        for (const { hash } of message.contributions) payloads.heed(message.round, hash);
        return;
      case 'measure':
        return checks.measure(message);
      case 'audit':
        return checks.audit(message);
      case 'confirm':
        return checks.confirm(message);
      case 'fold':
        return payloads.askedToFold(message);
      case 'sum':
      case 'join':
        return adding.asked(message);
      case 'peers':
        payloads.linked = message.peers;
        return;
      case 'close':
        payloads.roundOver(message.closed);
        adding.stop();
        return training.takeClosed(message.closed);
      case 'released':
        return this.leave();
      case 'relay':
        return payloads.relay(message.hashes);
      case 'lease':
        return training.upload(message.lease);
      case 'checkpointed':
        return payloads.forgetBefore(message.checkpoint.round);
      case 'refused':
        if (message.code === 'forbidden') this.line.isGivenUp = this.isTurnedAway = true;
        return;
    }
  }

  /** Says again what a lost connection may have swallowed. */
  private repeat(round: number): void {
    const { commit } = this.training;
    if (this.isPaused) this.say({ type: 'pause' });
    if (this.isDraining) this.sayDrain();
    if (commit !== null && commit.round <= round + this.earliness && commit.round >= round - this.staleness)
      this.say(commit);
    this.payloads.reportReceived(round);
  }

  /** With verification a payload is shown to nobody before all have committed, where the round adds up, unless that failed. */
  private showOwn(contributions: readonly AcceptedContribution[]): void {
    const own = this.training.commit;
    if (!this.training.isSealed || own === null || !contributions.some(({ hash }) => hash === own.hash)) return;
    this.payloads.show(own.round, own.hash);
  }
}
