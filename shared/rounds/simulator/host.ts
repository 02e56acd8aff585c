// The virtual Durable Object: feeds the room and carries out its effects, as the real one does. It may crash at any moment;
// then nothing but the stored state, as JSON, is left.

import type { LedgerEventDraft } from '../../ledger/events.ts';
import type { RoomMessage, WorkerMessage } from '../../protocol/messages.ts';
import { newRoom, tickAll } from '../room.ts';
import type { RoomEffect, RoomEvent, RoomState, Tick } from '../types.ts';
import type { Network } from './network.ts';
import type { Scenario } from './scenario.ts';
import { Socket } from './socket.ts';
import type { VirtualState } from './state.ts';

/** Sees every step of the room, before its effects are carried out. */
export type Observer = (before: RoomState, events: readonly RoomEvent[], after: Tick, now: number) => void;

export class Host {
  state: RoomState;
  isUp = true;
  readonly ledger: LedgerEventDraft[] = [];
  readonly checkpoints = new Map<number, VirtualState>(); // R2, by round
  steps = 0;
  private readonly network: Network;
  private readonly observe: Observer;
  private readonly sockets = new Map<string, Socket>(); // by worker, once it has said hello
  private readonly opened = new Set<Socket>(); // also those that have said nothing yet
  private readonly batchMs: number;
  private readonly mostSkewMs: number;
  private skewMs = 0; // of the machine it runs on now
  private alarm = 0; // the number of the alarm that counts
  private inbox: RoomEvent[] = []; // what came and waits to be taken together

  constructor(network: Network, { manifest, batchMs, clockSkewMs }: Scenario, observe: Observer) {
    this.network = network;
    this.observe = observe;
    this.state = newRoom('j-simulated', manifest);
    this.batchMs = batchMs;
    this.mostSkewMs = clockSkewMs;
  }

  /** A worker opens a socket; null while the room is down. */
  connect(workerId: string, toWorker: (message: RoomMessage) => void): Socket | null {
    if (!this.isUp) return null;
    const socket = new Socket(this.network, workerId, (from, message) => this.hear(from, message), toWorker);
    this.opened.add(socket);
    return socket;
  }

  /** The room notices that a socket is gone. */
  lose(socket: Socket): void {
    if (this.sockets.get(socket.workerId) !== socket) return;
    this.sockets.delete(socket.workerId);
    this.feed({ type: 'gone', workerId: socket.workerId, reason: 'connection lost' });
  }

  /** An upload arrives over HTTP; false if its lease is not the current one. */
  store(workerId: string, fence: number, state: VirtualState): boolean {
    const { lease } = this.state;
    if (!this.isUp || lease === null || lease.fence !== fence || lease.workerId !== workerId) return false;
    if (lease.kind === 'checkpoint') this.checkpoints.set(state.round, state);
    this.feed({ type: 'stored', kind: lease.kind, fence, bytes: 1000 });
    return true;
  }

  crash(downMs: number): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.inbox = [];
    for (const socket of this.opened) socket.close();
    this.opened.clear();
    this.sockets.clear();
    this.alarm += 1;
    this.network.clock.after(downMs, () => this.restart());
  }

  isConnected(socket: Socket): boolean {
    return this.sockets.get(socket.workerId) === socket;
  }

  feed(event: RoomEvent): void {
    this.inbox.push(event);
    if (this.inbox.length > 1) return; // waits with those before it
    if (this.batchMs > 0) this.network.clock.after(this.batchMs, () => this.takeInbox());
    else this.takeInbox();
  }

  /** As its own clock says. */
  private get now(): number {
    return this.network.clock.now + this.skewMs;
  }

  private takeInbox(): void {
    if (this.inbox.length === 0) return;
    const [before, events] = [this.state, this.inbox];
    this.inbox = [];
    const after = tickAll(before, events, this.now);
    this.steps += 1;
    this.state = after.state;
    this.observe(before, events, after, this.now);
    for (const effect of after.effects) this.carryOut(effect);
  }

  private restart(): void {
    this.isUp = true;
    this.skewMs = Math.round(this.network.between(-this.mostSkewMs, this.mostSkewMs));
    this.state = JSON.parse(JSON.stringify(this.state)) as RoomState;
    this.feed({ type: 'restarted' });
  }

  private hear(socket: Socket, message: WorkerMessage): void {
    if (message.type === 'hello') {
      this.sockets.get(socket.workerId)?.close();
      this.sockets.set(socket.workerId, socket);
    }
    if (this.isConnected(socket)) this.feed({ type: 'message', workerId: socket.workerId, message });
  }

  private carryOut(effect: RoomEffect): void {
    switch (effect.type) {
      case 'send':
        return this.sockets.get(effect.to)?.sendToWorker(effect.message);
      case 'broadcast':
        for (const socket of this.sockets.values()) socket.sendToWorker(effect.message);
        return;
      case 'disconnect':
        return this.disconnect(effect.workerId);
      case 'record':
        this.ledger.push(effect.event);
        return;
      case 'wake-at':
        return this.setAlarm(effect.at);
    }
  }

  /** What was sent before still arrives. */
  private disconnect(workerId: string): void {
    const socket = this.sockets.get(workerId);
    if (socket === undefined) return;
    this.network.clock.after(1_000, () => {
      socket.close();
      this.lose(socket);
    });
  }

  private setAlarm(at: number): void {
    const alarm = ++this.alarm;
    this.network.clock.after(at - this.now, () => {
      if (this.alarm === alarm && this.isUp) this.feed({ type: 'wake' });
    });
  }
}
