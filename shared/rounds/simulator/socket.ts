// A connection between a virtual worker and the room: messages arrive after a delay, and not at all once it is closed.
// They arrive in order; to be hard on the room, a scenario may let those of the worker overtake each other.

import { parseRoomMessage, parseWorkerMessage } from '../../protocol/messages.ts';
import type { RoomMessage, WorkerMessage } from '../../protocol/messages.ts';
import type { Network } from './network.ts';

interface End<T> {
  take: (message: T) => void;
  lastAt: number; // when the latest message to this end arrives
}

export class Socket {
  readonly workerId: string;
  isOpen = true;
  private readonly network: Network;
  private readonly room: End<WorkerMessage>;
  private readonly worker: End<RoomMessage>;

  constructor(
    network: Network,
    workerId: string,
    toRoom: (socket: Socket, message: WorkerMessage) => void,
    toWorker: (message: RoomMessage) => void,
  ) {
    this.network = network;
    this.workerId = workerId;
    this.room = { take: (message) => toRoom(this, message), lastAt: 0 };
    this.worker = { take: toWorker, lastAt: 0 };
  }

  sendToRoom(message: WorkerMessage): void {
    this.carry(this.room, this.network.checksMessages ? parseWorkerMessage(JSON.stringify(message)) : message);
  }

  sendToWorker(message: RoomMessage): void {
    this.carry(this.worker, this.network.checksMessages ? parseRoomMessage(JSON.stringify(message)) : message);
  }

  close(): void {
    this.isOpen = false;
  }

  private carry<T>(end: End<T>, message: T): void {
    const { clock, faults, random } = this.network;
    const copies = random.uniform() < faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const at = clock.now + this.network.delayMs();
      end.lastAt = faults.reorder && end === this.room ? at : Math.max(end.lastAt, at);
      clock.after(end.lastAt - clock.now, () => {
        if (this.isOpen) end.take(message);
      });
    }
  }
}
