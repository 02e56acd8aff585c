// A virtual worker's part in adding up: it makes the sums that it is asked for as soon as their pieces are here, and joins the sums
// of all when it is told of them.

import type { RoomMessage, WorkerMessage } from '../../../protocol/messages.ts';
import { hashFrom, joinHash, sumHash } from '../state.ts';
import type { Payloads } from './payloads.ts';
import type { Self } from './self.ts';

type Task = Extract<RoomMessage, { type: 'sum' | 'join' }>;

export class Adding {
  private readonly self: Self;
  private readonly payloads: Payloads;
  private readonly tasks = new Map<string, Task>();

  constructor(self: Self, payloads: Payloads) {
    this.self = self;
    this.payloads = payloads;
  }

  asked(task: Task): void {
    this.tasks.set(task.type === 'sum' ? `sum ${task.segment}` : 'join', task);
    this.proceed();
  }

  /** The round is over, or its payloads go to everyone as they are. */
  stop(): void {
    this.tasks.clear();
  }

  /** Does what everything is here for. */
  proceed(): void {
    const { self } = this;
    for (const [key, task] of this.tasks) {
      const hashes = task.type === 'sum' ? task.pieces : task.sums.map(({ hash }) => hash);
      if (!this.payloads.hasAll(task.round, hashes)) continue;
      this.tasks.delete(key);
      self.later(self.network.between(10, 100), () => this.say(task));
    }
  }

  private say(task: Task): void {
    const { network, traits } = this.self;
    const right = task.type === 'sum' ? sumHash(task.inputs, task.pieces) : joinHash(task.sums.map(({ hash }) => hash));
    const hash = network.random.uniform() < traits.corruption ? hashFrom(network.random.uint32()) : right;
    this.payloads.keep(task.round, hash);
    this.self.say(answer(task, hash));
    this.payloads.changed();
  }
}

function answer(task: Task, hash: string): WorkerMessage {
  const { round, node } = task;
  if (task.type === 'join') return { type: 'folded', round, node, hash, bytes: 1000 };
  return { type: 'summed', round, node, segment: task.segment, hash };
}
