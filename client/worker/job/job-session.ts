// A worker's life in one job, from the first hello to the end: look at what the room says, take the next step, do it. Work
// (restore, apply, train) is done one piece at a time by `run`; replies to the room are given at once, beside it.

import type { LoomError } from '../../../shared/errors.ts';
import type { Assignment, RoomMessage, Traffic, WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Shelf } from '../../exchange/state/lending.ts';
import { Bell } from '../../timing/wait.ts';
import type { StateRef } from '../../train/trainer.ts';
import { Checks } from './checks.ts';
import { Collector } from './collector.ts';
import { CheckpointShelf } from '../state/checkpoint-shelf.ts';
import type { CoordinatorApi } from '../coordinator-api.ts';
import type { WorkerSnapshot } from '../events.ts';
import { idling } from './idling.ts';
import type { Keepsake } from '../state/keepsake.ts';
import { Making } from '../making/making.ts';
import { isReply, isSameWork, nextStep } from './next-step.ts';
import type { Reply, Step } from './next-step.ts';
import { OwnWork } from './own-work.ts';
import { Recovery } from './recovery.ts';
import { RoomSocket } from './room-socket.ts';
import { see, unknownRoom } from './room-view.ts';
import type { RoomView } from './room-view.ts';
import { Training } from './training.ts';
import { decline, fulfil } from '../state/uploads.ts';
import { helloOf, trafficOf } from './words.ts';
import { WorkInHand } from './work-in-hand.ts';
import type { Workshop } from '../state/workshop.ts';

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
  private readonly making: Making; // for our group
  private readonly recovery: Recovery;
  private readonly training: Training;
  private readonly own: OwnWork;
  private readonly work: WorkInHand;
  private readonly socket: RoomSocket;
  private readonly trainsBeside: boolean; // and not in turn with the other work
  private readonly changed = new Bell();
  private view: RoomView = unknownRoom;
  private paused: boolean;
  private draining: string | null = null; // why
  private reported: StateRef | null = null;
  private uploadedFence = -1;
  private end: JobEnd | null = null;
  private readonly ended = Promise.withResolvers<null>();

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
    this.making = new Making({ workerId, collector, workshop, keepsake, exchange }, say);
    this.recovery = new Recovery(options);
    this.training = new Training({
      ...options,
      exchange,
      traffic: () => this.traffic(),
      onCommit: () => this.sayCommit(),
      onEnd: () => this.changed.ring(),
    });
    const { training } = this;
    this.own = new OwnWork({ ...options, exchange, training });
    const roundNow = (): number => this.view.round;
    this.work = new WorkInHand({ ...options, exchange, collector, training, own: this.own, roundNow });
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
      else await this.recover(await Promise.race([this.work.attempt(step), this.ended.promise]));
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

  private hello(): ReturnType<typeof helloOf> {
    const { kind, api, workshop } = this.options;
    const { tokensPerSecond } = this.training;
    const { peerId } = this.exchange;
    return helloOf(workshop.report, { token: api.token, peerId, kind, tokensPerSecond, holds: workshop.holds });
  }

  private hear(message: RoomMessage): void {
    if (message.type === 'welcome') this.begin();
    if (message.type === 'resync') this.reported = null;
    this.own.hear(message);
    if (message.type === 'refused') this.options.report({ reason: `The coordinator refused: ${message.message}` });
    if (message.type === 'relay') this.exchange.relay(message.hashes).catch(() => undefined);
    this.view = see(this.view, message);
    if (message.type === 'checkpointed') this.forgetBefore(message.checkpoint.round);
    if (this.view.checkpoint !== null) this.shelf.show(this.view.checkpoint);
    if (message.type === 'welcome') this.exchange.setPeers(message.peers, message.topology);
    if (message.type === 'peers') this.exchange.setPeers(message.peers, message.topology, message.dialMs);
    this.collector.begin(this.view.round);
    this.collector.hear(message);
    this.checks.hear(message);
    if (message.type === 'standing') this.options.report({ warning: message.reason });
    this.making.hear(message);
    this.look();
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
    this.work.yieldTo(step);
    this.training.stopUnless((assignment) => this.isWanted(assignment));
    this.changed.ring();
    return step;
  }

  private next(): Step {
    const { uploadedFence, reported, paused, training } = this;
    const { holds } = this.options.workshop;
    const committed = training.committed?.assignment ?? null;
    const own = { holds, reported, committed, uploadedFence, paused, isTraining: training.isBeside };
    return nextStep(this.view, own);
  }

  private isWanted(assignment: Assignment): boolean {
    return !this.paused && this.view.assignment !== null && isSameWork(this.view.assignment, assignment);
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

  // ---- Waiting, and the end.

  private async idle(): Promise<void> {
    const error = this.recovery.outOfReach();
    if (error !== null) return this.finish({ type: 'lost', error });
    if (!this.recovery.isLost) this.reportIdle();
    await this.changed.wait(1000);
  }

  private reportIdle(): void {
    const { view, paused, training, exchange } = this;
    const committed = training.committed?.assignment.round ?? null;
    const idle = { view, paused, committed, isAuditing: this.checks.isAuditing, minWorkers: this.options.minWorkers };
    this.options.report({ ...(training.isBeside ? {} : idling(idle)), exchange: exchange.stats() });
  }

  private traffic(): Traffic {
    return trafficOf(this.exchange.stats());
  }

  private finish(end: JobEnd): void {
    this.end ??= end;
    this.ended.resolve(null);
    this.work.breakOff();
    this.training.stopUnless(() => false);
    this.changed.ring();
  }

  private close(): void {
    this.collector.close();
    this.socket.close();
    this.exchange.close();
  }
}
