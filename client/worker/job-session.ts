// A worker's life in one job, from the first hello to the end: look at what the room says, take the next step, do it. Work
// (restore, apply, train) is done one piece at a time by `run`; replies to the room are given at once, beside it.

import type { LoomError } from '../../shared/errors.ts';
import { workerSpeaks } from '../../shared/protocol/version.ts';
import type {
  AcceptedContribution,
  Assignment,
  ClosedRound,
  RoomMessage,
  Traffic,
  WorkerMessage,
} from '../../shared/protocol/messages.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Shelf } from '../exchange/state/lending.ts';
import { Bell } from '../timing/wait.ts';
import type { StateRef } from '../train/trainer.ts';
import { Checks } from './checks.ts';
import { Collector } from './collector.ts';
import { CheckpointShelf } from './checkpoint-shelf.ts';
import type { CoordinatorApi } from './coordinator-api.ts';
import type { WorkerSnapshot } from './events.ts';
import { fetchCheckpoint } from './fetch-checkpoint.ts';
import { Folding } from './folding.ts';
import type { Keepsake } from './keepsake.ts';
import { isReply, isSameWork, nextStep, stepKey } from './next-step.ts';
import type { Reply, Step, Work } from './next-step.ts';
import { Recovery } from './recovery.ts';
import { RoomSocket } from './room-socket.ts';
import { see, unknownRoom } from './room-view.ts';
import type { RoomView } from './room-view.ts';
import { Training } from './training.ts';
import { decline, fulfil } from './uploads.ts';
import type { Workshop } from './workshop.ts';

export interface JobSessionOptions {
  jobId: string;
  kind: 'page' | 'node';
  api: CoordinatorApi; // with the worker's token
  workerId: string;
  workshop: Workshop; // open
  keepsake: Keepsake;
  createExchange: (events: { onPayload(): void; onLinks(): void }, shelf: Shelf) => Exchange;
  paused: boolean;
  staleness: number; // rounds by which work may be late
  earliness: number; // or early: with either, training goes on while rounds close
  sealed: boolean; // payloads are shown only when all have committed
  minWorkers: number;
  random: () => number;
  report: (patch: Partial<WorkerSnapshot>) => void;
}

export type JobEnd =
  | { type: 'finished'; state: 'completed' | 'failed' | 'cancelled'; reason: string }
  | { type: 'left' }
  | { type: 'lost'; error: LoomError }; // the room will not have us, or is out of reach

export class JobSession {
  private readonly options: JobSessionOptions;
  private readonly exchange: Exchange;
  private readonly shelf: CheckpointShelf;
  private readonly collector: Collector;
  private readonly checks: Checks; // of other workers
  private readonly folding: Folding;
  private readonly recovery: Recovery;
  private readonly training: Training;
  private readonly socket: RoomSocket;
  private readonly trainsBeside: boolean; // and not in turn with the other work
  private readonly changed = new Bell();
  private view: RoomView = unknownRoom;
  private paused: boolean;
  private draining: string | null = null; // why
  private reported: StateRef | null = null;
  private uploadedFence = -1;
  private work: { key: string; breakOff: AbortController } | null = null;
  private end: JobEnd | null = null;
  private readonly ended = Promise.withResolvers<null>();
  private accepted = { tokens: 0, rounds: 0 };

  constructor(options: JobSessionOptions) {
    this.options = options;
    this.paused = options.paused;
    const { staleness, earliness } = options;
    this.view = { ...unknownRoom, staleness, earliness };
    this.trainsBeside = staleness + earliness > 0;
    this.shelf = new CheckpointShelf(options.keepsake);
    const onPayload = (): void => this.collector.arrived.ring();
    const onLinks = (): void => options.report({ exchange: this.exchange.stats() });
    this.exchange = options.createExchange({ onPayload, onLinks }, this.shelf);
    this.collector = new Collector({
      exchange: this.exchange,
      keepsake: options.keepsake,
      say: (message) => this.socket.send(message),
      peerIdOf: (workerId) => this.view.peers.find((peer) => peer.workerId === workerId)?.peerId ?? null,
    });
    const { jobId, api, workshop, keepsake, workerId } = options;
    const { exchange, collector } = this;
    const say = (message: WorkerMessage): void => this.socket.send(message);
    this.checks = new Checks({ jobId, api, workshop, exchange, collector, say });
    this.folding = new Folding({ workerId, collector, workshop, keepsake, exchange, say });
    this.recovery = new Recovery(options);
    this.training = new Training({
      ...options,
      exchange,
      traffic: () => this.traffic(),
      onCommit: () => this.sayCommit(),
      onEnd: () => this.changed.ring(),
    });
    this.socket = new RoomSocket(
      options.api.roomUrl(options.jobId, options.workerId),
      {
        hello: () => this.hello(),
        onMessage: (message) => this.hear(message),
        onLost: (reason) => this.lose(reason),
        onRefused: (error) => this.finish({ type: 'lost', error }),
      },
      options.random,
    );
  }

  /** Works until the job ends or we leave. */
  async run(): Promise<JobEnd> {
    for (const { round, hash, payload } of await this.options.keepsake.payloads())
      this.exchange.hold(round, hash, payload);
    while (this.end === null) {
      const step = this.look();
      const failure = this.training.takeFailure();
      if (failure !== null) await this.recover(failure);
      else if (step.type === 'end') this.finish({ type: 'finished', ...this.view.finish! });
      else if (step.type === 'leave') this.leave(this.draining ?? 'released by the room');
      else if (step.type === 'wait') await this.idle();
      else if (step.type === 'train' && this.trainsBeside) this.training.begin(step.assignment);
      else await this.recover(await Promise.race([this.attempt(step), this.ended.promise]));
    }
    this.close();
    return this.end;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.socket.send({ type: paused ? 'pause' : 'resume' });
    this.look();
  }

  /** Finishes the part in hand, takes no further one, and leaves when nothing depends on this worker any more. */
  drain(reason: string): void {
    this.draining = reason;
    this.socket.send({ type: 'drain', reason });
    this.options.report({ reason: 'Finishing what is in hand, then leaving.' });
  }

  leave(reason: string): void {
    this.socket.send({ type: 'leave', reason });
    this.finish({ type: 'left' });
  }

  /** After work, whether or not it failed. */
  private async recover(failure: unknown): Promise<void> {
    const error = await this.recovery.after(failure);
    if (error === null) return;
    this.socket.send({ type: 'leave', reason: error.message.slice(0, 500) });
    this.finish({ type: 'lost', error });
  }

  // ---- What the room says.

  private hello(): WorkerMessage & { type: 'hello' } {
    const { kind, api, workshop } = this.options;
    const { adapter, kind: backend } = workshop.report;
    return {
      type: 'hello',
      version: workerSpeaks.newest,
      oldest: workerSpeaks.oldest,
      token: api.token,
      peerId: this.exchange.peerId,
      kind,
      backend: { kind: backend, adapter: adapter.slice(0, 200) },
      tokensPerSecond: this.training.tokensPerSecond,
      holds: workshop.holds,
    };
  }

  private hear(message: RoomMessage): void {
    if (message.type === 'welcome') this.begin();
    if (message.type === 'resync') this.reported = null;
    if (message.type === 'close') {
      this.credit(message.closed);
      this.showOwn(message.closed.accepted); // a round with one participant closes as it commits
    }
    if (message.type === 'refused') this.options.report({ reason: `The coordinator refused: ${message.message}` });
    if (message.type === 'relay') this.exchange.relay(message.hashes).catch(() => undefined);
    this.view = see(this.view, message);
    if (message.type === 'checkpointed') this.forgetBefore(message.checkpoint.round);
    if (this.view.checkpoint !== null) this.shelf.show(this.view.checkpoint);
    if (message.type === 'welcome') this.exchange.setPeers(message.peers, message.topology);
    if (message.type === 'peers') this.exchange.setPeers(message.peers, message.topology, message.dialMs);
    this.collector.begin(this.view.round);
    if (message.type === 'committed' && message.round === this.view.round) this.learn(message.contributions);
    this.checks.hear(message);
    if (message.type === 'standing') this.options.report({ warning: message.reason });
    this.folding.hear(message);
    this.look();
  }

  /** Others have committed. Where payloads are sealed all have, ourselves included, and now ours may be seen. */
  private learn(contributions: readonly AcceptedContribution[]): void {
    this.collector.stopPulls(); // if this round was to be added up, that did not succeed
    this.showOwn(contributions);
    for (const contribution of contributions) this.collector.expect(contribution);
  }

  private showOwn(contributions: readonly AcceptedContribution[]): void {
    const own = this.training.committed;
    if (own?.sealed === true && contributions.some(({ hash }) => hash === own.message.hash))
      this.exchange.publish(own.assignment.round, own.message.hash, own.payload);
  }

  /** A new connection: the room knows of us only what it says and what we say now. */
  private begin(): void {
    this.recovery.found();
    this.reported = null;
    if (this.paused) this.socket.send({ type: 'pause' });
    if (this.draining !== null) this.socket.send({ type: 'drain', reason: this.draining });
  }

  private lose(reason: string): void {
    this.recovery.lost(reason);
    this.changed.ring();
  }

  private credit(closed: ClosedRound): void {
    const own = closed.accepted.find(
      ({ workerId, folds }) => workerId === this.options.workerId && folds === undefined,
    );
    const tokens = own?.tokens ?? (this.ownInside(closed).length > 0 ? this.training.committed!.message.tokens : 0);
    if (tokens === 0) return;
    this.accepted = { tokens: this.accepted.tokens + tokens, rounds: this.accepted.rounds + 1 };
    this.options.report({ tokensTrained: this.accepted.tokens, roundsAccepted: this.accepted.rounds });
  }

  private forgetBefore(round: number): void {
    const kept = round - this.options.staleness; // what was trained before it may be accepted after it
    this.exchange.forgetBefore(kept);
    this.options.keepsake.forgetBefore(kept).catch(() => undefined); // what stays is tried again at the next checkpoint
  }

  // ---- What comes next.

  /** Gives the replies that are due, breaks off work that is no longer the next, and returns the next step. */
  private look(): Exclude<Step, Reply> {
    let step = this.next();
    for (; isReply(step); step = this.next()) this.reply(step);
    if (this.work?.key !== stepKey(step)) this.breakOff();
    this.training.stopUnless((assignment) => this.isWanted(assignment));
    this.changed.ring();
    return step;
  }

  private next(): Step {
    const { uploadedFence, reported, paused } = this;
    const { holds } = this.options.workshop;
    const committed = this.training.committed?.assignment ?? null;
    return nextStep(this.view, {
      holds,
      reported,
      committed,
      uploadedFence,
      paused,
      isTraining: this.training.isBeside,
    });
  }

  private isWanted(assignment: Assignment): boolean {
    return !this.paused && this.view.assignment !== null && isSameWork(this.view.assignment, assignment);
  }

  private breakOff(): void {
    if (this.work === null || this.work.breakOff.signal.aborted) return;
    this.work.breakOff.abort();
    this.options.workshop.interrupt();
  }

  private reply(reply: Reply): void {
    if (reply.type === 'report') return this.sayApplied();
    if (reply.type === 'recommit') return this.sayCommit();
    this.uploadedFence = reply.lease.fence;
    if (reply.type === 'decline') return this.socket.send(decline(reply.lease, 'a later state is held by now'));
    const { jobId, workshop, api, keepsake } = this.options;
    keepsake.pin(reply.lease.round, this.view.checkpoint?.round ?? 0); // of all workers this one keeps it
    void fulfil(reply.lease, jobId, workshop, api).then((answer) => this.socket.send(answer));
  }

  private sayApplied(): void {
    const { holds } = this.options.workshop;
    this.reported = holds;
    this.socket.send({ type: 'applied', ...holds, traffic: this.traffic() });
  }

  private sayCommit(): void {
    if (this.training.committed === null) return;
    const { assignment, message } = this.training.committed;
    const isOpen = this.view.assignment !== null && isSameWork(this.view.assignment, assignment);
    if (isOpen) this.view = { ...this.view, assignment: null };
    this.socket.send({ ...message, traffic: this.traffic() });
  }

  // ---- Work.

  /** The error that ended the work, or null when it was done or rightly broken off. */
  private async attempt(work: Work): Promise<unknown> {
    const breakOff = new AbortController();
    this.work = { key: stepKey(work), breakOff };
    try {
      await this.perform(work, breakOff.signal);
      return null;
    } catch (error) {
      return breakOff.signal.aborted && !this.options.workshop.isBroken ? null : error;
    } finally {
      this.work = null;
    }
  }

  private perform(work: Work, signal: AbortSignal): Promise<void> {
    if (work.type === 'restore') return this.restore(work, signal);
    if (work.type === 'apply') return this.apply(work, signal);
    return this.training.train(work.assignment);
  }

  private async restore({ checkpoint }: Work & { type: 'restore' }, signal: AbortSignal): Promise<void> {
    const { report, api, jobId, workshop } = this.options;
    report({ phase: 'catching-up', reason: '', round: this.view.round });
    if (checkpoint === null) return workshop.restore(null, null);
    const say = (reason: string): void => report({ reason, exchange: this.exchange.stats() });
    await fetchCheckpoint(checkpoint, { jobId, api, workshop, exchange: this.exchange, say }, signal);
  }

  private async apply({ closed }: Work & { type: 'apply' }, signal: AbortSignal): Promise<void> {
    const { report, workshop } = this.options;
    const phase = this.view.round - closed.round > 1 ? 'catching-up' : 'exchanging';
    if (!this.training.isBeside) report({ phase, reason: '', round: closed.round });
    const contributions = await this.collector.gather(closed.round, closed.accepted, signal);
    if (contributions === null) return;
    await workshop.apply(closed.round, contributions, this.ownInside(closed), closed.learningRate);
  }

  /** Our own payload, if a closed round has it inside one that our group made. */
  private ownInside(closed: ClosedRound): Uint8Array[] {
    const { committed } = this.training;
    if (committed?.assignment.round !== closed.round) return [];
    return this.folding.isOwnInside(closed) ? [committed.payload] : [];
  }

  private async idle(): Promise<void> {
    const error = this.recovery.outOfReach();
    if (error !== null) return this.finish({ type: 'lost', error });
    if (!this.recovery.isLost) this.options.report(this.idling());
    await this.changed.wait(1000);
  }

  private idling(): Partial<WorkerSnapshot> {
    const exchange = this.exchange.stats();
    if (this.training.isBeside) return { exchange };
    if (this.paused) return { phase: 'paused', reason: 'Paused by you.', exchange };
    const missing = this.options.minWorkers - this.view.peers.length;
    if (missing > 0 && this.view.topology === 'mesh')
      return {
        phase: 'idle',
        reason: `Waiting for ${missing} more ${missing === 1 ? 'worker' : 'workers'}.`,
        exchange,
      };
    if (this.checks.isAuditing)
      return { phase: 'idle', reason: 'Checking the work of another worker.', exchange, round: this.view.round };
    const isInTheRound =
      this.training.committed !== null && this.training.committed.assignment.round >= this.view.round - 1;
    if (isInTheRound) return { phase: 'exchanging', reason: '', exchange };
    return { phase: 'idle', reason: 'Waiting for the next round.', exchange, round: this.view.round };
  }

  private traffic(): Traffic {
    const { bytesSent, bytesReceived, bytesPerSecond, links } = this.exchange.stats();
    const peers = links.filter((link) => link.state === 'open').length;
    return { bytesSent, bytesReceived, bytesPerSecond: Math.round(bytesPerSecond), peers };
  }

  private finish(end: JobEnd): void {
    this.end ??= end;
    this.ended.resolve(null);
    this.breakOff();
    this.training.stopUnless(() => false);
    this.changed.ring();
  }

  private close(): void {
    this.collector.close();
    this.socket.close();
    this.exchange.close();
  }
}
