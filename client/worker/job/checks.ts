// What this worker does about the work of others when the room asks: measure contributions on held-out text, compute shards
// again, read a stored checkpoint. Beside its own work, one after the other; what cannot be done is said, never thrown.

import type { Exchange } from '../../exchange/exchange.ts';
import type { Audit, RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Likeness } from '../../../shared/verification/compare.ts';
import type { Collector } from './collector.ts';
import type { CoordinatorApi } from '../coordinator-api.ts';
import type { Workshop } from '../state/workshop.ts';

type Asked<T extends RoomMessage['type']> = Extract<RoomMessage, { type: T }>;

/** A payload that is to be audited was accepted or refused a round ago: whoever has it answers soon, or nobody has it. */
const obtainMs = 10_000;

export interface ChecksOptions {
  jobId: string;
  api: CoordinatorApi;
  workshop: Workshop;
  exchange: Exchange;
  collector: Collector;
  say(message: WorkerMessage): void;
}

export class Checks {
  private readonly options: ChecksOptions;
  private audits = 0; // asked for and not yet answered

  constructor(options: ChecksOptions) {
    this.options = options;
  }

  get isAuditing(): boolean {
    return this.audits > 0;
  }

  hear(message: RoomMessage): void {
    if (message.type === 'measure') void this.measure(message).catch(() => undefined); // the round was over first
    if (message.type === 'audit') for (const audit of message.audits) void this.audit(audit);
    if (message.type === 'confirm') void this.confirm(message);
  }

  private async measure({ round, seed, tokens, contributions }: Asked<'measure'>): Promise<void> {
    const { collector, workshop, say } = this.options;
    const gathered = await collector.gatherForRound(round, contributions);
    const payloads = gathered.map(({ payload }) => payload);
    const { before, after } = await workshop.measure(round, payloads, seed, tokens);
    say({ type: 'measured', round, before, after: contributions.map(({ hash }, i) => ({ hash, loss: after[i]! })) });
  }

  private async audit(audit: Audit): Promise<void> {
    this.audits += 1;
    const likeness = await this.computeAgain(audit).catch(() => null);
    this.audits -= 1;
    this.options.say({ type: 'audited', hash: audit.hash, likeness });
  }

  private async computeAgain(audit: Audit): Promise<Likeness> {
    const { exchange, workshop } = this.options;
    const payload = await exchange.obtain(audit.round, audit.hash, null, obtainMs);
    return workshop.audit(audit, new Uint8Array(payload));
  }

  private async confirm({ fence, round }: Asked<'confirm'>): Promise<void> {
    const { api, jobId, workshop, say } = this.options;
    const bytes = await api.checkpoint(jobId, round).catch(() => null);
    const found = bytes === null ? null : await workshop.inspect(bytes).catch(() => null);
    say({ type: 'confirmed', fence, stateHash: found?.stateHash ?? null });
  }
}
