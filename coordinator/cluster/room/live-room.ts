// A job's room while it is awake: runs the ticks of shared/rounds and carries out what they decide; it decides nothing itself.
//
// A tick's state, and the events it has for the ledger, are stored in one transaction before any effect leaves (outbox.ts
// keeps their order).

import type { JobView, LogLine } from '../../../shared/api/schemas.ts';
import { tickAll } from '../../../shared/rounds/room.ts';
import type { RoomEffect, RoomEvent, RoomState } from '../../../shared/rounds/types.ts';
import { isOver } from '../../../shared/rounds/views.ts';
import { database } from '../../db/database.ts';
import { jobView, noteSeen, updateProgress } from '../../db/jobs.ts';
import type { JobFacts } from '../../db/jobs.ts';
import type { Env } from '../../env.ts';
import { ledger } from '../../ledger/writer.ts';
import { Chore } from './chore.ts';
import type { Doorway } from '../door/doorway.ts';
import type { GateAnswer, GateReport, Gates } from '../door/gates.ts';
import { logText, refusalText } from './log-lines.ts';
import type { LogStream } from './log-stream.ts';
import { Outbox } from '../outbox.ts';
import type { Delivery, Step } from '../outbox.ts';
import { jobProgress } from './progress.ts';
import type { RoomStore } from './room-store.ts';
import type { Metrics } from './rooms.ts';
import { Uploads } from './uploads.ts';

/** A job's row in D1, from which lists are made, follows its room with this delay; the end of a job at once. */
const projectionMs = 2_000;
/** That a worker was heard of is written this often. */
const seenMs = 600_000;
const pruneRetryMs = 30_000;
/** In a large room what comes within this time is taken together: one tick, one write, for dozens of workers. */
const gatherFrom = 32; // members
const gatherMs = (members: number): number => Math.max(50, members / 20);

/** What the Durable Object lends its room. */
export interface RoomPorts {
  env: Env;
  store: RoomStore;
  /** Where workers come in; nobody does where there are gates. */
  doorway: Doorway;
  gates: Gates | null;
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
  readonly #load = { since: Date.now(), events: 0, ticks: 0, reports: 0 };
  #alarmAt = Infinity; // unix ms
  #inbox: RoomEvent[] = []; // in the order in which it came
  #gathering: Promise<void> | null = null;
  #noted: ReadonlySet<string> = new Set(); // workers that D1 knows to be here
  #notedAt = 0;

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

  get metrics(): Metrics {
    const { losses, stateHashes } = this.state;
    return { losses, stateHashes, load: { ...this.#load, calls: this.#ports.gates?.calls ?? 0 } };
  }

  /** Something came in: `takeTogether` takes it. */
  tell(event: RoomEvent): void {
    this.#inbox.push(event);
  }

  /** Takes what came in; a large room waits a moment for more. What waits when the object dies is lost, as on the wire. */
  takeTogether(): Promise<void> {
    const members = Object.keys(this.state.members).length;
    if (members >= gatherFrom) return (this.#gathering ??= this.#takeAfter(gatherMs(members)));
    this.#takeInbox();
    return Promise.resolve();
  }

  /** Takes what a gate has to say; it is stored when this resolves. */
  async takeReport(report: GateReport): Promise<GateAnswer> {
    this.#load.reports += 1;
    if (this.#ports.gates?.admits(report) !== true) return 'restart';
    if (report.isFresh) this.#noteLost(report.gate);
    for (const event of report.events) this.tell(event);
    await this.takeTogether();
    return 'taken';
  }

  /** What happened beside the messages comes after those that came before it. */
  feed(event: RoomEvent): void {
    this.#takeInbox();
    this.#run([event]);
  }

  /** The alarm rang. */
  async wake(now: number): Promise<void> {
    this.#alarmAt = Infinity;
    this.#ports.doorway.sweep(now);
    this.#takeInbox();
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

  async #takeAfter(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#gathering = null;
    this.#takeInbox();
  }

  /** A gate holds none of those that it held: the round waits for them to come back. */
  #noteLost(gate: number): void {
    this.#takeInbox(); // what it said before it died
    const present = Object.values(this.state.members).filter((member) => member.present);
    const ids = present.map(({ workerId }) => workerId);
    const workers = ids.filter((workerId) => this.#ports.gates!.gateOf(workerId) === gate);
    if (workers.length > 0) this.#run([{ type: 'restarted', workers }]);
  }

  #takeInbox(): void {
    const events = this.#inbox;
    this.#inbox = [];
    if (events.length > 0) this.#run(events);
  }

  /** Runs one tick and stores what came of it. `settle` carries out the effects. */
  #run(events: readonly RoomEvent[]): void {
    const { store, logStream, gates } = this.#ports;
    const [before, now] = [this.state, Date.now()];
    this.#load.events += events.length;
    this.#load.ticks += 1;
    const { state, effects } = tickAll(before, events, now);
    const steps: Step[] = [];
    const lines: LogLine[] = [];
    store.transaction(() => {
      store.writeState(before, state);
      for (const effect of effects) {
        const text = effect.type === 'record' ? logText(effect.event) : null;
        if (text !== null) lines.push(store.log(now, text));
        const step = this.#stepOf(effect, state);
        if (step !== null) steps.push(step);
      }
      if (steps.some(({ type }) => type !== 'record')) gates?.mark();
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
    const counts = Object.entries(refused);
    const texts = counts.flatMap(([code, count]) => refusalText(code, before.refused[code] ?? 0, count) ?? []);
    return texts.map((text) => this.#ports.store.log(now, text));
  }

  #deliver(step: Delivery): void {
    const { doorway, gates } = this.#ports;
    (gates ?? doorway).deliver(step);
    if (step.type === 'disconnect') this.#takeInbox(); // the doorway says that it is gone, a gate will
  }

  #nextAlarm(now: number): number {
    const { doorway } = this.#ports;
    const times = [
      this.state.wakeAt,
      this.#outbox.retryAt,
      this.#projection.dueAt,
      this.#pruning.dueAt,
      doorway.nextSweep(now),
    ];
    return Math.max(now, Math.min(...times.filter((at) => at !== null)));
  }

  async #project(): Promise<void> {
    this.#ports.gates?.unmarkWhenIdle();
    const now = Date.now();
    const db = database(this.#ports.env.DB);
    await updateProgress(db, this.facts.id, jobProgress(this.state, now));
    await noteSeen(db, this.facts.id, this.#toNote(now), now);
  }

  /** Newcomers at once, the others now and then: in a large job they are many rows. */
  #toNote(now: number): string[] {
    const present = Object.values(this.state.members).filter((member) => member.present);
    const noted = now < this.#notedAt + seenMs ? this.#noted : new Set<string>();
    if (noted !== this.#noted) this.#notedAt = now;
    this.#noted = new Set(present.map(({ workerId }) => workerId));
    return [...this.#noted].filter((workerId) => !noted.has(workerId));
  }
}
