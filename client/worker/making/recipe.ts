// What members of a node are asked to make of the payloads that others brought, so that the round needs fewer: the seam behind
// which each way of doing that has its recipe. A round that does without applies the payloads as they are.

import type { RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Folded } from '../../train/trainer.ts';
import type { Collector } from '../job/collector.ts';
import type { Keepsake } from '../state/keepsake.ts';
import type { Workshop } from '../state/workshop.ts';

export type Task<T extends 'fold' | 'sum' | 'join' = 'fold' | 'sum' | 'join'> = Extract<RoomMessage, { type: T }>;

/** What a recipe works with. */
export interface Tools {
  workerId: string;
  collector: Collector;
  workshop: Workshop;
  keepsake: Keepsake;
  exchange: Exchange;
}

export interface Recipe {
  /** Two tasks with the same key come to the same payload. */
  readonly key: string;
  /** Fetches what it needs, makes the payload, and holds it for others. @throws when the round is over first, or it fails */
  make(): Promise<Folded>;
  /** What the room is told of it. */
  answer(made: Folded): WorkerMessage;
}
