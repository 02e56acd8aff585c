// The room of a job: a Durable Object that feeds what happens on its sockets and routes to shared/rounds (live-room.ts does
// what that decides). The object may be put to sleep at any time with its sockets kept, or die with them: it finds
// everything in SQLite again, and tells the state which workers are gone.

import { DurableObject } from 'cloudflare:workers';
import type { JobView, LogLine } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import { newRoom } from '../../../shared/rounds/room.ts';
import type { Member, RoomState } from '../../../shared/rounds/types.ts';
import { isOver } from '../../../shared/rounds/views.ts';
import { database } from '../../db/database.ts';
import { findJobRow } from '../../db/jobs.ts';
import type { JobFacts } from '../../db/jobs.ts';
import type { Env } from '../../env.ts';
import { secretOf } from '../../http/auth.ts';
import { recordOf } from '../../market/reputation.ts';
import { errorResponse } from '../../http/errors.ts';
import { answer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import { Doorway } from '../door/doorway.ts';
import { Gates } from '../door/gates.ts';
import type { GateAnswer, GateReport, GateRpc } from '../door/gates.ts';
import { LiveRoom } from './live-room.ts';
import { logText } from './log-lines.ts';
import { LogStream } from './log-stream.ts';
import { RoomStore } from './room-store.ts';
import type { Upload } from './room-store.ts';
import type { Metrics, RoomRpc } from './rooms.ts';
import { gatesFor, shardName } from '../door/shards.ts';
import { closeReason } from '../door/sockets.ts';
import { submittedEvent } from './submitted.ts';
import type { Permit, UploadRequest } from './uploads.ts';

export class JobRoom extends DurableObject<Env> implements RoomRpc {
  readonly #store: RoomStore;
  readonly #doorway: Doorway;
  readonly #logStream = new LogStream();
  #opened: LiveRoom | null = null; // once the job was found
  #gates: Gates | null = null; // of a large job

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RoomStore(ctx.storage);
    this.#doorway = new Doorway(ctx, {
      secret: () => secretOf(env),
      isOurs: () => true,
      recordOf: (workerId) => recordOf(database(env.DB), workerId, Date.now()),
      tell: (event) => this.#opened!.tell(event),
    });
    if (this.#store.exists) this.#wakeUp();
  }

  // ---- What the HTTP routes ask for; rooms.ts says what each means.

  view(): Promise<Answer<JobView>> {
    return answer(async () => (await this.#open()).view);
  }

  metrics(): Promise<Answer<Metrics>> {
    return answer(async () => (await this.#open()).metrics);
  }

  cancel(reason: string): Promise<Answer<JobView>> {
    return answer(async () => {
      const room = await this.#open();
      if (isOver(room.state)) throw new LoomError('conflict', `the job is already ${room.state.phase}`);
      room.feed({ type: 'cancel', reason });
      await room.settle();
      return room.view;
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
        room.feed({ type: 'stored', kind: request.kind, fence: request.fence, bytes: total });
      await room.settle();
    });
  }

  storeKey(kind: UploadRequest['kind'], name: string): Promise<Answer<string>> {
    return answer(async () => (await this.#open()).uploads.find(kind, name).storeKey);
  }

  artifacts(): Promise<Answer<{ name: string; bytes: number }[]>> {
    return answer(async () => (await this.#open()).uploads.artifacts().map(({ name, bytes }) => ({ name, bytes })));
  }

  async takeFromGate(report: GateReport): Promise<GateAnswer> {
    const room = await this.#open();
    const said = await room.takeReport(report);
    this.ctx.waitUntil(room.settle());
    return said;
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
    await this.#doorway.hear(socket, data);
    await room.takeTogether();
    await room.settle();
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    return this.#lost(socket, closeReason(code, reason));
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#lost(socket, 'connection lost');
  }

  override async alarm(): Promise<void> {
    const room = await this.#open();
    await room.wake(Date.now());
  }

  // ---- Opening: from the row in D1 the first time, from SQLite after that.

  async #open(): Promise<LiveRoom> {
    if (this.#opened !== null) return this.#opened;
    const { id, name, owner, manifest, datasetHash, datasetBytes, createdAt } = await findJobRow(
      database(this.env.DB),
      this.#jobId(),
    );
    const facts = { id, name, owner, manifest, datasetHash, datasetBytes, createdAt };
    return this.#opened ?? this.#create(facts); // another request may have been faster
  }

  #create(facts: JobFacts): LiveRoom {
    const state = newRoom(facts.id, facts.manifest);
    const submitted = submittedEvent(facts);
    this.#store.transaction(() => {
      this.#store.create();
      this.#store.write('facts', facts);
      this.#store.writeState(null, state);
      this.#store.enqueue(submitted); // the outbox picks it up below
      this.#store.log(Date.now(), logText(submitted)!);
    });
    return this.#assemble(facts, state);
  }

  /** Runs when the object was asleep or dead. A full outbox means dead: messages behind it may be lost, so all start over. */
  #wakeUp(): void {
    const room = this.#assemble(this.#store.read<JobFacts>('facts')!, this.#store.readState());
    const hasLost = this.#store.outbox().length > 0;
    const present = Object.values(room.state.members).filter((member) => member.present);
    if (this.#gates === null) this.#findAbsent(room, present, hasLost);
    else if (hasLost || this.#gates.hasLost) this.#restartGates(room, this.#gates, present);
    this.ctx.waitUntil(room.settle());
  }

  /** Its own sockets die with the object, all together. */
  #findAbsent(room: LiveRoom, present: readonly Member[], hasLost: boolean): void {
    if (hasLost) this.#doorway.restart();
    const absent = present.filter(({ workerId }) => !this.#doorway.has(workerId));
    if (absent.length > 0 && absent.length === present.length) room.feed({ type: 'restarted' });
    else for (const { workerId } of absent) room.feed({ type: 'gone', workerId, reason: 'connection lost' });
  }

  /** Those of the gates have outlived it, and may have missed something. */
  #restartGates(room: LiveRoom, gates: Gates, present: readonly Member[]): void {
    gates.restart();
    if (present.length > 0) room.feed({ type: 'restarted' });
  }

  #assemble(facts: JobFacts, state: RoomState): LiveRoom {
    const { env, ctx } = this;
    this.#gates = this.#gatesOf(facts);
    const own = { store: this.#store, doorway: this.#doorway, gates: this.#gates, logStream: this.#logStream };
    this.#opened = new LiveRoom({ env, ...own, setAlarm: (at) => ctx.storage.setAlarm(at) }, facts, state);
    return this.#opened;
  }

  #gatesOf({ id: jobId, manifest }: JobFacts): Gates | null {
    const shards = gatesFor(manifest.spec.resources.workers.max);
    const { GATES } = this.env;
    const idOf = (index: number): DurableObjectId => GATES.idFromName(shardName({ jobId, index, shards }));
    const gate = (index: number): GateRpc => GATES.get(idOf(index)) as unknown as GateRpc;
    const ports = { store: this.#store, gate, waitUntil: (work: Promise<void>) => this.ctx.waitUntil(work) };
    return shards === 0 ? null : new Gates(ports, shards);
  }

  #jobId(): string {
    const name = this.ctx.id.name;
    if (name === undefined) throw new LoomError('internal', 'a room is named by its job');
    return name;
  }

  // ---- Sockets.

  async #accept(room: LiveRoom): Promise<Response> {
    const response = this.#doorway.accept(Date.now());
    await room.settle(); // the alarm that closes it if no hello comes
    return response;
  }

  async #lost(socket: WebSocket, reason: string): Promise<void> {
    const room = await this.#open();
    this.#doorway.lost(socket, reason);
    await room.takeTogether();
    await room.settle();
  }

  #followLog(room: LiveRoom, after: number): Response {
    return this.#logStream.follow(this.#store.logAfter(after), isOver(room.state) ? room.state.phase : null);
  }
}
