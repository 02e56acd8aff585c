// A job's room while it is awake: runs the ticks of shared/rounds and carries out what they decide; it decides nothing itself.
//
// A tick's state, and the events it has for the ledger, are stored in one transaction before any effect leaves (outbox.ts
// keeps their order).

import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import { tickAll } from '../../shared/rounds/room.ts';
import type { RoomEffect, RoomEvent, RoomState } from '../../shared/rounds/types.ts';
import { isOver } from '../../shared/rounds/views.ts';
import { database } from '../db/database.ts';
import { jobView, updateProgress } from '../db/jobs.ts';
import type { JobFacts } from '../db/jobs.ts';
import type { Env } from '../env.ts';
import { ledger } from '../ledger/writer.ts';
import { Chore } from './chore.ts';
import { logText, refusalText } from './log-lines.ts';
import type { LogStream } from './log-stream.ts';
import { Outbox } from './outbox.ts';
import type { Delivery, Step } from './outbox.ts';
import { jobProgress } from './progress.ts';
import type { RoomStore } from './room-store.ts';
import { closeCodes } from './sockets.ts';
import type { Sockets } from './sockets.ts';
import { Uploads } from './uploads.ts';

/** A job's row in D1, from which lists are made, follows its room with this delay; the end of a job at once. */
const projectionMs = 2_000;
const pruneRetryMs = 30_000;
/** In a large room messages that come within this time are taken together: one tick, one write, for dozens of workers. */
const gatherFrom = 32; // members
const gatherMs = (members: number): number => Math.max(50, members / 20);

/** What the Durable Object lends its room. */
export interface RoomPorts {
  env: Env;
  store: RoomStore;
  sockets: Sockets;
  logStream: LogStream;
  setAlarm: (at: number) => Promise<void>;
}

export class LiveRoom {
  readonly facts: JobFacts;
  readonly uploads: Uploads;
  state: RoomState;
  readonly #ports: RoomPorts;
  readonly #outbox: Outbox;
  readonly #projection: Chore;
  readonly #pruning: Chore;
  #alarmAt = Infinity; // unix ms
  #inbox: RoomEvent[] = []; // messages that wait to be taken together

  constructor(ports: RoomPorts, facts: JobFacts, state: RoomState) {
    const { env, store } = ports;
    this.#ports = ports;
    this.facts = facts;
    this.state = state;
    this.uploads = new Uploads(store, env.STORE, facts.id);
    this.#outbox = new Outbox(store, facts.id, {
      append: (entries) => ledger(env).append(entries),
      deliver: (step) => this.#deliver(step),
      now: () => Date.now(),
    });
    this.#projection = new Chore(store, { name: 'projection', retryMs: projectionMs, work: () => this.#project() });
    this.#pruning = new Chore(store, {
      name: 'pruning',
      retryMs: pruneRetryMs,
      work: () => this.uploads.prune(this.state),
    });
  }

  get view(): JobView {
    return jobView(this.facts, jobProgress(this.state, Date.now()));
  }

  /** Forgets what was meant for an earlier connection of this worker. */
  forgetMessagesTo(workerId: string): void {
    this.#outbox.forget(workerId);
  }

  /** A message of a large room waits a moment for others. What waits when the object dies is lost, as on the wire. */
  async takeTogether(event: RoomEvent): Promise<void> {
    this.#inbox.push(event);
    const members = Object.keys(this.state.members).length;
    const isLarge = members >= gatherFrom;
    if (isLarge && this.#inbox.length === 1) await new Promise((resolve) => setTimeout(resolve, gatherMs(members)));
    if (!isLarge || this.#inbox[0] === event) this.#takeInbox();
  }

  /** What happened beside the messages comes after those that came before it. */
  feed(event: RoomEvent): void {
    this.#takeInbox();
    this.#run([event]);
  }

  /** The alarm rang. */
  async wake(now: number): Promise<void> {
    this.#alarmAt = Infinity;
    for (const workerId of this.#ports.sockets.sweep(now))
      this.feed({ type: 'gone', workerId, reason: 'silent for too long' });
    if (this.state.wakeAt !== null && this.state.wakeAt <= now) this.feed({ type: 'wake' });
    await this.settle();
  }

  /** Carries out what was decided, does the chores that are due and sets the alarm. */
  async settle(): Promise<void> {
    await this.#outbox.drain();
    await this.#projection.runWhenDue(Date.now());
    await this.#pruning.runWhenDue(Date.now());
    const next = this.#nextAlarm(Date.now());
    if (next >= this.#alarmAt) return; // an alarm that rings early sets the next one
    this.#alarmAt = next;
    await this.#ports.setAlarm(next);
  }

  #takeInbox(): void {
    const events = this.#inbox;
    this.#inbox = [];
    if (events.length > 0) this.#run(events);
  }

  /** Runs one tick and stores what came of it. `settle` carries out the effects. */
  #run(events: readonly RoomEvent[]): void {
    const { store, logStream } = this.#ports;
    const [before, now] = [this.state, Date.now()];
    const { state, effects } = tickAll(before, events, now);
    const steps: Step[] = [];
    const lines: LogLine[] = [];
    store.transaction(() => {
      store.writeState(before, state);
      for (const effect of effects) {
        if (effect.type === 'record') lines.push(store.log(now, logText(effect.event)));
        const step = this.#stepOf(effect, state);
        if (step !== null) steps.push(step);
      }
      if (state.refused !== before.refused) lines.push(...this.#logRefusals(before, state, now));
      this.#projection.due(state.phase === before.phase ? now + projectionMs : now);
      if (state.checkpoint !== before.checkpoint || isOver(state) !== isOver(before)) this.#pruning.due(now);
    });
    this.state = state;
    this.#outbox.push(steps);
    logStream.push(lines);
    if (isOver(state) && !isOver(before)) logStream.end(state.phase);
  }

  #stepOf(effect: RoomEffect, state: RoomState): Step | null {
    if (effect.type === 'record')
      return { type: 'record', seq: this.#ports.store.enqueue(effect.event), event: effect.event };
    if (effect.type === 'send') return { type: 'send', to: [effect.to], message: effect.message };
    if (effect.type === 'disconnect') return { type: 'disconnect', to: effect.workerId, reason: effect.reason };
    if (effect.type === 'wake-at') return null; // state.wakeAt says it too
    const present = Object.values(state.members).filter((member) => member.present);
    return { type: 'send', to: present.map(({ workerId }) => workerId), message: effect.message };
  }

  #logRefusals(before: RoomState, { refused }: RoomState, now: number): LogLine[] {
    const changed = Object.keys(refused).filter((code) => refused[code] !== before.refused[code]);
    const texts = changed.map((code) => refusalText(code, refused[code]!)).filter((text) => text !== null);
    return texts.map((text) => this.#ports.store.log(now, text));
  }

  #deliver(step: Delivery): void {
    const { sockets } = this.#ports;
    if (step.type === 'send') return sockets.send(step.to, step.message);
    sockets.disconnect(step.to, closeCodes.left, step.reason);
    this.feed({ type: 'gone', workerId: step.to, reason: step.reason });
  }

  #nextAlarm(now: number): number {
    const { sockets } = this.#ports;
    const times = [
      this.state.wakeAt,
      this.#outbox.retryAt,
      this.#projection.dueAt,
      this.#pruning.dueAt,
      sockets.nextSweep(now),
    ];
    return Math.max(now, Math.min(...times.filter((at) => at !== null)));
  }

  #project(): Promise<void> {
    const now = Date.now();
    return updateProgress(database(this.#ports.env.DB), this.facts.id, jobProgress(this.state, now), now);
  }
}
