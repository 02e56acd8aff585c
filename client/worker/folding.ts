// Folding: our group, or a meeting of groups, asks for one payload of what it brought together, or for a part of it where a ring
// adds up (adding.ts). Beside the worker's other work; where it does not succeed the others do it, or the room does without.

import type { AcceptedContribution, ClosedRound, RoomMessage, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Folded } from '../train/trainer.ts';
import { Adding } from './adding.ts';
import type { Collector } from './collector.ts';
import type { Keepsake } from './keepsake.ts';
import type { Workshop } from './workshop.ts';

type Fold = Extract<RoomMessage, { type: 'fold' }>;

export interface FoldingOptions {
  workerId: string;
  collector: Collector;
  workshop: Workshop;
  keepsake: Keepsake;
  exchange: Exchange;
  say(message: WorkerMessage): void;
}

export class Folding {
  private readonly options: FoldingOptions;
  private readonly adding: Adding;
  private readonly made = new Map<string, Promise<Folded>>(); // in this round, by node
  private hasOwnIn = -1; // the last round in which our group folded our contribution

  constructor(options: FoldingOptions) {
    this.options = options;
    this.adding = new Adding(options);
  }

  hear(message: RoomMessage): void {
    if (message.type === 'fold' || message.type === 'sum') this.noteOwn(message);
    if (message.type === 'fold') void this.fold(message);
    if (message.type === 'sum' || message.type === 'join') void this.adding.hear(message);
  }

  /** Makes one payload of many and says which. The room may ask again. */
  private async fold({ round, node, inputs }: Fold): Promise<void> {
    const key = `${round} ${node}`;
    try {
      const making = this.made.get(key) ?? this.make(round, inputs);
      for (const other of this.made.keys()) if (!other.startsWith(`${round} `)) this.made.delete(other);
      this.made.set(key, making);
      const { hash, payload } = await making;
      this.options.say({ type: 'folded', round, node, hash, bytes: payload.length });
    } catch {
      this.made.delete(key); // the round was over first, or it failed
    }
  }

  /** Whether a closed round has our contribution inside a payload that our group made. */
  isOwnInside({ round, accepted }: ClosedRound): boolean {
    return this.hasOwnIn === round && accepted.some(({ folds }) => folds !== undefined);
  }

  private noteOwn({ round, inputs }: Pick<Fold, 'round' | 'inputs'>): void {
    const own = inputs.find(({ workerId, folds }) => workerId === this.options.workerId && folds === undefined);
    if (own !== undefined) this.hasOwnIn = round;
  }

  private async make(round: number, inputs: readonly AcceptedContribution[]): Promise<Folded> {
    const { collector, workshop, keepsake, exchange } = this.options;
    const gathered = await collector.gatherForRound(round, inputs);
    const folded = await workshop.fold(round, gathered);
    const payload = new Uint8Array(folded.payload);
    await keepsake.keepPayload(round, folded.hash, payload);
    exchange.offer(round, folded.hash, payload);
    return { hash: folded.hash, payload };
  }
}
