// The line to the room: a socket that is opened again whenever it is lost.

import type { RoomMessage, WorkerMessage } from '../../../protocol/messages.ts';
import type { Socket } from '../socket.ts';
import type { Self } from './self.ts';

export interface LineEvents {
  greeting(): WorkerMessage;
  onMessage(message: RoomMessage): void;
}

export class Line {
  private readonly self: Self;
  private readonly events: LineEvents;
  private socket: Socket | null = null;
  isGivenUp = false; // the worker has left, or was turned away

  constructor(self: Self, events: LineEvents) {
    this.self = self;
    this.events = events;
  }

  get isOpen(): boolean {
    return this.socket?.isOpen === true;
  }

  say(message: WorkerMessage): void {
    if (this.socket?.isOpen) this.socket.sendToRoom(message);
  }

  connectSoon(): void {
    const { self } = this;
    self.later(self.network.between(100, 3_000), () => this.connect());
  }

  /** The room notices after a while. */
  drop(): void {
    const { socket } = this;
    const { network, host } = this.self;
    if (socket === null) return;
    socket.close();
    network.clock.after(network.between(0, 5_000), () => host.lose(socket));
    this.socket = null;
  }

  private connect(): void {
    const { self } = this;
    if (this.isGivenUp || this.isOpen) return;
    const socket = self.host.connect(self.id, (message) => self.later(0, () => this.hear(socket!, message)));
    this.socket = socket;
    self.later(self.network.between(500, 3_000), () => this.reconnectIfLost());
    if (socket !== null) this.say(this.events.greeting());
  }

  /** As a heartbeat would. */
  private reconnectIfLost(): void {
    if (!this.isOpen) return this.connect();
    this.self.later(this.self.network.between(500, 3_000), () => this.reconnectIfLost());
  }

  private hear(socket: Socket, message: RoomMessage): void {
    if (socket === this.socket) this.events.onMessage(message);
  }
}
