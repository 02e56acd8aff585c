// Our part in the rounds: trains what the room asks for, keeps the payload, says so and shows it. Where work may be late this
// goes on beside everything else, while rounds close.

import type { Assignment, Traffic, WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { WorkerSnapshot } from '../events.ts';
import type { Keepsake } from '../state/keepsake.ts';
import type { Workshop } from '../state/workshop.ts';

type Commit = Extract<WorkerMessage, { type: 'commit' }>;

export interface Committed {
  readonly assignment: Assignment;
  readonly message: Commit;
  readonly payload: Uint8Array;
  readonly sealed: boolean; // shown only when the room tells of it
}

export interface TrainingOptions {
  workshop: Workshop;
  keepsake: Keepsake;
  exchange: Exchange;
  sealed: boolean; // payloads are shown only when all have committed
  report: (patch: Partial<WorkerSnapshot>) => void;
  traffic: () => Traffic;
  onCommit: () => void;
  /** What went on beside has ended. */
  onEnd: () => void;
}

export class Training {
  committed: Committed | null = null; // the latest
  tokensPerSecond: number; // measured when the trainer opened, then of the last round
  private readonly options: TrainingOptions;
  private beside: { assignment: Assignment; isWanted: boolean } | null = null;
  private failure: unknown = null; // of what went on beside

  constructor(options: TrainingOptions) {
    this.options = options;
    this.tokensPerSecond = options.workshop.report.tokensPerSecond;
  }

  async train(assignment: Assignment): Promise<void> {
    const { report, workshop, keepsake, exchange, sealed, traffic, onCommit } = this.options;
    report({ phase: 'training', reason: '', round: assignment.round, step: 0, steps: assignment.steps });
    const { payload, pieces, ...contribution } = await workshop.train(assignment, ({ step, loss, tokensPerSecond }) =>
      report({ phase: 'training', step, loss, tokensPerSecond }),
    );
    const { round, hash, loss, tokens, seconds } = contribution;
    if (seconds > 0) this.tokensPerSecond = tokens / seconds;
    await keepsake.keepPayload(round, hash, payload);
    const hashes = pieces && { pieces: pieces.map((piece) => piece.hash) };
    const message: Commit = { type: 'commit', ...contribution, ...hashes, bytes: payload.length, traffic: traffic() };
    this.committed = { assignment, message, payload, sealed: sealed || pieces !== undefined };
    for (const piece of pieces ?? []) exchange.hold(round, piece.hash, piece.payload);
    onCommit();
    if (!this.committed.sealed) exchange.publish(round, hash, payload);
    report({ phase: 'exchanging', loss, exchange: exchange.stats() });
  }

  get isBeside(): boolean {
    return this.beside !== null;
  }

  /** Trains while other work goes on; how it ended `takeFailure` says. */
  begin(assignment: Assignment): void {
    const beside = { assignment, isWanted: true };
    this.beside = beside;
    const end = (failure: unknown): void => {
      this.beside = null;
      if (beside.isWanted || this.options.workshop.isBroken) this.failure = failure;
      this.options.onEnd();
    };
    this.train(assignment).then(() => end(null), end);
  }

  /** Stops what goes on beside if nobody waits for it any more. */
  stopUnless(isWanted: (assignment: Assignment) => boolean): void {
    const { beside } = this;
    if (beside === null || !beside.isWanted || isWanted(beside.assignment)) return;
    beside.isWanted = false;
    this.options.workshop.interrupt();
  }

  /** The error that ended what went on beside, once; null if there is none. */
  takeFailure(): unknown {
    const { failure } = this;
    this.failure = null;
    return failure;
  }
}
