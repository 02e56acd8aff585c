// Our part in a round that adds up: we make the sum of one segment of everyone's payload, and join the sums of all into the payload
// that the round applies. Everything is asked for of its owner, by its hash, beginning with the one after us, so that not all ask
// the same one at once. Where it does not succeed the room does without.

import type { RoomMessage } from '../../shared/protocol/messages.ts';
import type { Folded } from '../train/trainer.ts';
import type { FoldingOptions } from './folding.ts';

type Sum = Extract<RoomMessage, { type: 'sum' }>;
type Join = Extract<RoomMessage, { type: 'join' }>;

interface Part {
  readonly workerId: string; // who has it
  readonly hash: string;
}

export class Adding {
  private readonly options: FoldingOptions;
  private readonly made = new Map<string, Promise<Folded>>(); // in this round

  constructor(options: FoldingOptions) {
    this.options = options;
  }

  /** Does what the room asks, and says what came of it. The room may ask again. */
  async hear(message: Sum | Join): Promise<void> {
    const { say } = this.options;
    const { round, node } = message;
    try {
      const { hash, payload } = await this.once(message);
      if (message.type === 'sum') say({ type: 'summed', round, node, segment: message.segment, hash });
      else say({ type: 'folded', round, node, hash, bytes: payload.length });
    } catch {
      this.made.delete(keyOf(message)); // the round was over first, or it failed
    }
  }

  private once(message: Sum | Join): Promise<Folded> {
    const key = keyOf(message);
    for (const other of this.made.keys()) if (!other.startsWith(`${message.round} `)) this.made.delete(other);
    const making = this.made.get(key) ?? (message.type === 'sum' ? this.sum(message) : this.join(message));
    this.made.set(key, making);
    return making;
  }

  private async sum({ round, segment, segments, inputs, pieces }: Sum): Promise<Folded> {
    const { workshop, exchange } = this.options;
    const parts = inputs.map(({ workerId }, i) => ({ workerId, hash: pieces[i]! }));
    const payloads = await this.pullAll(round, parts);
    const weighed = payloads.map((payload, i) => ({ payload, tokens: inputs[i]!.tokens }));
    const made = await workshop.sum(round, weighed, segment, segments);
    exchange.hold(round, made.hash, made.payload);
    return made;
  }

  private async join({ round, folds, sums }: Join): Promise<Folded> {
    const { workshop, keepsake, exchange } = this.options;
    const made = await workshop.join(round, await this.pullAll(round, sums), folds);
    await keepsake.keepPayload(round, made.hash, made.payload);
    exchange.hold(round, made.hash, made.payload);
    return made;
  }

  /** In the order of the parts, asked for in the order of a ring. */
  private async pullAll(round: number, parts: readonly Part[]): Promise<Uint8Array[]> {
    const { collector, workerId } = this.options;
    const first = parts.findIndex((part) => part.workerId === workerId) + 1;
    const coming = new Map<Part, Promise<Uint8Array>>();
    for (const part of [...parts.slice(first), ...parts.slice(0, first)])
      coming.set(part, collector.pull(round, part.hash, part.workerId));
    return Promise.all(parts.map((part) => coming.get(part)!));
  }
}

function keyOf(message: Sum | Join): string {
  const { round, node } = message;
  if (message.type === 'join') return `${round} ${node} join ${message.sums.map(({ hash }) => hash).join()}`;
  return `${round} ${node} ${message.segment} ${message.pieces.join()}`;
}
