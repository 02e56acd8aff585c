// Our latest contribution among those of others: shown when the room tells of it, where payloads are sealed until then, and
// credited when a closed round has it, by itself or inside a payload that our group made.

import type { AcceptedContribution, ClosedRound, RoomMessage } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { WorkerSnapshot } from '../events.ts';
import type { Training } from './training.ts';

export interface OwnWorkOptions {
  workerId: string;
  training: Training;
  exchange: Exchange;
  report: (patch: Partial<WorkerSnapshot>) => void;
}

export class OwnWork {
  private readonly options: OwnWorkOptions;
  private madeIn = -1; // the last round in which our group made one payload of our contribution and others
  private accepted = { tokens: 0, rounds: 0 };

  constructor(options: OwnWorkOptions) {
    this.options = options;
  }

  hear(message: RoomMessage): void {
    if (message.type === 'fold' || message.type === 'sum') this.noteMade(message.round, message.inputs);
    if (message.type === 'committed') this.show(message.contributions);
    if (message.type !== 'close') return;
    this.credit(message.closed);
    this.show(message.closed.accepted); // a round with one participant closes as it commits
  }

  /** Our own payload, if a closed round has it inside one that our group made. */
  inside({ round, accepted }: ClosedRound): Uint8Array[] {
    const { committed } = this.options.training;
    const isInside = this.madeIn === round && accepted.some(({ folds }) => folds !== undefined);
    return isInside && committed?.assignment.round === round ? [committed.payload] : [];
  }

  private noteMade(round: number, inputs: readonly AcceptedContribution[]): void {
    if (this.among(inputs) !== undefined) this.madeIn = round;
  }

  private among(contributions: readonly AcceptedContribution[]): AcceptedContribution | undefined {
    return contributions.find(({ workerId, folds }) => workerId === this.options.workerId && folds === undefined);
  }

  /** Where payloads are sealed all have committed, ourselves included, and now ours may be seen. */
  private show(contributions: readonly AcceptedContribution[]): void {
    const own = this.options.training.committed;
    if (own?.sealed === true && contributions.some(({ hash }) => hash === own.message.hash))
      this.options.exchange.publish(own.assignment.round, own.message.hash, own.payload);
  }

  private credit(closed: ClosedRound): void {
    const { training, report } = this.options;
    const isInside = this.inside(closed).length > 0;
    const tokens = this.among(closed.accepted)?.tokens ?? (isInside ? training.committed!.message.tokens : 0);
    if (tokens === 0) return;
    this.accepted = { tokens: this.accepted.tokens + tokens, rounds: this.accepted.rounds + 1 };
    report({ tokensTrained: this.accepted.tokens, roundsAccepted: this.accepted.rounds });
  }
}
