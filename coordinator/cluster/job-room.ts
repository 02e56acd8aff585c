// The room of a job: a Durable Object that runs shared/rounds. It feeds `tick` with what happens and carries out what it
// decides; it decides nothing itself.
//
// A tick's state, and the events it has for the ledger, are stored in one transaction before any effect leaves (outbox.ts
// keeps their order). The object may be put to sleep at any time with its sockets kept, or die with them: it finds
// everything in SQLite again, and tells the state which workers are gone.

import { DurableObject } from 'cloudflare:workers';
import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import { LoomError } from '../../shared/errors.ts';
import { newRoom, tickAll } from '../../shared/rounds/room.ts';
import type { RoomEffect, RoomEvent, RoomState } from '../../shared/rounds/types.ts';
import { chooseVersion, rangeOf, roomSpeaks } from '../../shared/protocol/version.ts';
import { isOver } from '../../shared/rounds/views.ts';
import { database } from '../db/database.ts';
import { findJobRow, jobView, updateProgress } from '../db/jobs.ts';
import type { JobFacts } from '../db/jobs.ts';
import type { Env } from '../env.ts';
import { secretOf } from '../http/auth.ts';
import { errorResponse } from '../http/errors.ts';
import { ledger } from '../ledger/writer.ts';
import { answer } from './answer.ts';
import type { Answer } from './answer.ts';
import { Chore } from './chore.ts';
import { Door } from './door.ts';
import { logText, refusalText } from './log-lines.ts';
import { LogStream } from './log-stream.ts';
import { Outbox } from './outbox.ts';
import type { Delivery, Step } from './outbox.ts';
import { jobProgress } from './progress.ts';
import { RoomStore } from './room-store.ts';
import type { Upload } from './room-store.ts';
import type { Metrics, RoomRpc } from './rooms.ts';
import { closeCodes, sendTo, Sockets } from './sockets.ts';
import { submittedEvent } from './submitted.ts';
import { Uploads } from './uploads.ts';
import type { Permit, UploadRequest } from './uploads.ts';

const maxSockets = 1_100;
/** A job's row in D1, from which lists are made, follows its room with this delay; the end of a job at once. */
const projectionMs = 2_000;
const pruneRetryMs = 30_000;
/** In a large room messages that come within this time are taken together: one tick, one write, for dozens of workers. */
const gatherFrom = 32; // members
const gatherMs = (members: number): number => Math.max(50, members / 20);

/** What exists once the job was found. */
interface Opened {
  facts: JobFacts;
  state: RoomState;
  outbox: Outbox;
  uploads: Uploads;
  projection: Chore;
  pruning: Chore;
}

export class JobRoom extends DurableObject<Env> implements RoomRpc {
  readonly #store: RoomStore;
  readonly #sockets: Sockets;
  readonly #door: Door;
  readonly #logStream = new LogStream();
  #opened: Opened | null = null;
  #alarmAt = Infinity; // unix ms
  #inbox: RoomEvent[] = []; // messages that wait to be taken together

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RoomStore(ctx.storage);
    this.#sockets = new Sockets(ctx);
    this.#door = new Door(this.#sockets);
    if (this.#store.exists) this.#wakeUp();
  }

  // ---- What the HTTP routes ask for; rooms.ts says what each means.

  view(): Promise<Answer<JobView>> {
    return answer(async () => this.#view(await this.#open()));
  }

  metrics(): Promise<Answer<Metrics>> {
    return answer(async () => {
      const { losses, stateHashes } = (await this.#open()).state;
      return { losses, stateHashes };
    });
  }

  cancel(reason: string): Promise<Answer<JobView>> {
    return answer(async () => {
      const room = await this.#open();
      if (isOver(room.state)) throw new LoomError('conflict', `the job is already ${room.state.phase}`);
      this.#feed(room, { type: 'cancel', reason });
      await this.#settle(room);
      return this.#view(room);
    });
  }

  logLines(after: number): Promise<Answer<LogLine[]>> {
    return answer(async () => {
      await this.#open();
      return this.#store.logAfter(after);
    });
  }

  permit(request: UploadRequest): Promise<Answer<Permit>> {
    return answer(async () => {
      const room = await this.#open();
      return room.uploads.permit(room.state, request);
    });
  }

  uploaded(request: UploadRequest, upload: Pick<Upload, 'storeKey' | 'bytes'>): Promise<Answer<void>> {
    return answer(async () => {
      const room = await this.#open();
      const total = room.uploads.add(room.state, request, upload);
      if (request.kind !== 'relay')
        this.#feed(room, { type: 'stored', kind: request.kind, fence: request.fence, bytes: total });
      await this.#settle(room);
    });
  }

  storeKey(kind: UploadRequest['kind'], name: string): Promise<Answer<string>> {
    return answer(async () => (await this.#open()).uploads.find(kind, name).storeKey);
  }

  artifacts(): Promise<Answer<{ name: string; bytes: number }[]>> {
    return answer(async () => (await this.#open()).uploads.artifacts().map(({ name, bytes }) => ({ name, bytes })));
  }

  // ---- Sockets and streams.

  override async fetch(request: Request): Promise<Response> {
    try {
      const room = await this.#open();
      const url = new URL(request.url);
      return url.pathname === '/logs'
        ? this.#followLog(room, Number(url.searchParams.get('after')))
        : await this.#accept(room);
    } catch (error) {
      if (error instanceof LoomError) return errorResponse(error);
      throw error;
    }
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const room = await this.#open();
    try {
      const { workerId, message } = await this.#door.admit(socket, data, secretOf(this.env), Date.now());
      if (message.type === 'hello') {
        room.outbox.forget(workerId);
        this.#sockets.identify(socket, workerId, chooseVersion(rangeOf(message), roomSpeaks)!); // the door saw to it
        this.#feed(room, { type: 'message', workerId, message });
      } else await this.#takeTogether(room, { type: 'message', workerId, message });
    } catch (error) {
      if (!(error instanceof LoomError)) throw error;
      this.#refuse(room, socket, error);
    }
    await this.#settle(room);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    return this.#lost(socket, reason === '' ? `connection closed (${code})` : reason);
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#lost(socket, 'connection lost');
  }

  override async alarm(): Promise<void> {
    const room = await this.#open();
    const now = Date.now();
    this.#alarmAt = Infinity;
    for (const workerId of this.#sockets.sweep(now))
      this.#feed(room, { type: 'gone', workerId, reason: 'silent for too long' });
    if (room.state.wakeAt !== null && room.state.wakeAt <= now) this.#feed(room, { type: 'wake' });
    await this.#settle(room);
  }

  // ---- Opening: from the row in D1 the first time, from SQLite after that.

  async #open(): Promise<Opened> {
    if (this.#opened !== null) return this.#opened;
    const { id, name, owner, manifest, datasetHash, datasetBytes, createdAt } = await findJobRow(
      database(this.env.DB),
      this.#jobId(),
    );
    const facts = { id, name, owner, manifest, datasetHash, datasetBytes, createdAt };
    return this.#opened ?? this.#create(facts); // another request may have been faster
  }

  #create(facts: JobFacts): Opened {
    const state = newRoom(facts.id, facts.manifest);
    const submitted = submittedEvent(facts);
    this.#store.transaction(() => {
      this.#store.create();
      this.#store.write('facts', facts);
      this.#store.writeState(null, state);
      this.#store.enqueue(submitted); // the outbox picks it up below
      this.#store.log(Date.now(), logText(submitted));
    });
    return this.#assemble(facts, state);
  }

  /** Runs when the object was asleep or dead. A full outbox means dead: messages behind it may be lost, so all start over. */
  #wakeUp(): void {
    const room = this.#assemble(this.#store.read<JobFacts>('facts')!, this.#store.readState());
    if (this.#store.outbox().length > 0) this.#sockets.dropAll(closeCodes.restart, 'the room restarted');
    const present = Object.values(room.state.members).filter((member) => member.present);
    const absent = present.filter(({ workerId }) => !this.#sockets.has(workerId));
    if (absent.length > 0 && absent.length === present.length) this.#feed(room, { type: 'restarted' });
    else for (const { workerId } of absent) this.#feed(room, { type: 'gone', workerId, reason: 'connection lost' });
    this.ctx.waitUntil(this.#settle(room));
  }

  #assemble(facts: JobFacts, state: RoomState): Opened {
    const outbox = new Outbox(this.#store, facts.id, {
      append: (entries) => ledger(this.env).append(entries),
      deliver: (step) => this.#deliver(room, step),
      now: () => Date.now(),
    });
    const uploads = new Uploads(this.#store, this.env.STORE, facts.id);
    const projection = new Chore(this.#store, {
      name: 'projection',
      retryMs: projectionMs,
      work: () => this.#project(room),
    });
    const pruning = new Chore(this.#store, {
      name: 'pruning',
      retryMs: pruneRetryMs,
      work: () => uploads.prune(room.state),
    });
    const room: Opened = { facts, state, outbox, uploads, projection, pruning };
    this.#opened = room;
    return room;
  }

  #jobId(): string {
    const name = this.ctx.id.name;
    if (name === undefined) throw new LoomError('internal', 'a room is named by its job');
    return name;
  }

  // ---- The tick and its effects.

  /** A message of a large room waits a moment for others. What waits when the object dies is lost, as on the wire. */
  async #takeTogether(room: Opened, event: RoomEvent): Promise<void> {
    this.#inbox.push(event);
    const members = Object.keys(room.state.members).length;
    const isLarge = members >= gatherFrom;
    if (isLarge && this.#inbox.length === 1) await new Promise((resolve) => setTimeout(resolve, gatherMs(members)));
    if (!isLarge || this.#inbox[0] === event) this.#takeInbox(room);
  }

  #takeInbox(room: Opened): void {
    const events = this.#inbox;
    this.#inbox = [];
    if (events.length > 0) this.#run(room, events);
  }

  /** What happened beside the messages comes after those that came before it. */
  #feed(room: Opened, event: RoomEvent): void {
    this.#takeInbox(room);
    this.#run(room, [event]);
  }

  /** Runs one tick and stores what came of it. `#settle` carries out the effects. */
  #run(room: Opened, events: readonly RoomEvent[]): void {
    const [before, now] = [room.state, Date.now()];
    const { state, effects } = tickAll(before, events, now);
    const steps: Step[] = [];
    const lines: LogLine[] = [];
    this.#store.transaction(() => {
      this.#store.writeState(before, state);
      for (const effect of effects) {
        if (effect.type === 'record') lines.push(this.#store.log(now, logText(effect.event)));
        const step = this.#stepOf(effect, state);
        if (step !== null) steps.push(step);
      }
      if (state.refused !== before.refused) lines.push(...this.#logRefusals(before, state, now));
      room.projection.due(state.phase === before.phase ? now + projectionMs : now);
      if (state.checkpoint !== before.checkpoint || isOver(state) !== isOver(before)) room.pruning.due(now);
    });
    room.state = state;
    room.outbox.push(steps);
    this.#logStream.push(lines);
    if (isOver(state) && !isOver(before)) this.#logStream.end(state.phase);
  }

  #stepOf(effect: RoomEffect, state: RoomState): Step | null {
    if (effect.type === 'record')
      return { type: 'record', seq: this.#store.enqueue(effect.event), event: effect.event };
    if (effect.type === 'send') return { type: 'send', to: [effect.to], message: effect.message };
    if (effect.type === 'disconnect') return { type: 'disconnect', to: effect.workerId, reason: effect.reason };
    if (effect.type === 'wake-at') return null; // state.wakeAt says it too
    const present = Object.values(state.members).filter((member) => member.present);
    return { type: 'send', to: present.map(({ workerId }) => workerId), message: effect.message };
  }

  #logRefusals(before: RoomState, { refused }: RoomState, now: number): LogLine[] {
    const changed = Object.keys(refused).filter((code) => refused[code] !== before.refused[code]);
    const texts = changed.map((code) => refusalText(code, refused[code]!)).filter((text) => text !== null);
    return texts.map((text) => this.#store.log(now, text));
  }

  #deliver(room: Opened, step: Delivery): void {
    if (step.type === 'send') return this.#sockets.send(step.to, step.message);
    this.#sockets.disconnect(step.to, closeCodes.left, step.reason);
    this.#feed(room, { type: 'gone', workerId: step.to, reason: step.reason });
  }

  /** Carries out what was decided, does the chores that are due and sets the alarm. */
  async #settle(room: Opened): Promise<void> {
    await room.outbox.drain();
    await room.projection.runWhenDue(Date.now());
    await room.pruning.runWhenDue(Date.now());
    const next = this.#nextAlarm(room, Date.now());
    if (next >= this.#alarmAt) return; // an alarm that rings early sets the next one
    this.#alarmAt = next;
    await this.ctx.storage.setAlarm(next);
  }

  #nextAlarm({ state, outbox, projection, pruning }: Opened, now: number): number {
    const times = [state.wakeAt, outbox.retryAt, projection.dueAt, pruning.dueAt, this.#sockets.nextSweep(now)];
    return Math.max(now, Math.min(...times.filter((at) => at !== null)));
  }

  #project({ facts, state }: Opened): Promise<void> {
    const now = Date.now();
    return updateProgress(database(this.env.DB), facts.id, jobProgress(state, now), now);
  }

  // ---- Sockets.

  async #accept(room: Opened): Promise<Response> {
    if (this.#sockets.count >= maxSockets)
      throw new LoomError('unavailable', 'the room is full', { allowed: `${maxSockets} sockets` });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#sockets.accept(server, Date.now());
    await this.#settle(room); // the alarm that closes it if no hello comes
    return new Response(null, { status: 101, webSocket: client });
  }

  #refuse(room: Opened, socket: WebSocket, error: LoomError): void {
    sendTo(socket, { type: 'refused', ...error.toJSON() });
    this.#feed(room, { type: 'refused', code: error.code });
    if (!this.#door.isLast(socket, error, Date.now())) return;
    const workerId = this.#sockets.drop(
      socket,
      error.code === 'unauthorized' ? closeCodes.unauthorized : closeCodes.refused,
      error.code,
    );
    if (workerId !== null) this.#feed(room, { type: 'gone', workerId, reason: `refused: ${error.code}` });
  }

  async #lost(socket: WebSocket, reason: string): Promise<void> {
    const room = await this.#open();
    const workerId = this.#sockets.drop(socket, 1000, '');
    if (workerId !== null) this.#feed(room, { type: 'gone', workerId, reason });
    await this.#settle(room);
  }

  #followLog(room: Opened, after: number): Response {
    return this.#logStream.follow(this.#store.logAfter(after), isOver(room.state) ? room.state.phase : null);
  }

  #view({ facts, state }: Opened): JobView {
    return jobView(facts, jobProgress(state, Date.now()));
  }
}
