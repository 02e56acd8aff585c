// Work that takes a while, one piece at a time: restoring a state, applying a closed round, training. It is done whole, or broken
// off when other work is next.

import type { Exchange } from '../../exchange/exchange.ts';
import type { Collector } from './collector.ts';
import type { CoordinatorApi } from '../coordinator-api.ts';
import type { WorkerSnapshot } from '../events.ts';
import { fetchCheckpoint } from '../state/fetch-checkpoint.ts';
import { stepKey } from './next-step.ts';
import type { Step, Work } from './next-step.ts';
import type { OwnWork } from './own-work.ts';
import type { Training } from './training.ts';
import type { Workshop } from '../state/workshop.ts';

export interface WorkOptions {
  jobId: string;
  api: CoordinatorApi;
  workshop: Workshop;
  exchange: Exchange;
  collector: Collector;
  training: Training;
  own: OwnWork;
  report: (patch: Partial<WorkerSnapshot>) => void;
  /** The open round, or the one that opens next. */
  roundNow: () => number;
}

export class WorkInHand {
  private readonly options: WorkOptions;
  private current: { key: string; breakOff: AbortController } | null = null;

  constructor(options: WorkOptions) {
    this.options = options;
  }

  /** The error that ended the work, or null when it was done or rightly broken off. */
  async attempt(work: Work): Promise<unknown> {
    const breakOff = new AbortController();
    this.current = { key: stepKey(work), breakOff };
    try {
      await this.perform(work, breakOff.signal);
      return null;
    } catch (error) {
      return breakOff.signal.aborted && !this.options.workshop.isBroken ? null : error;
    } finally {
      this.current = null;
    }
  }

  /** Something else is to be done, unless this is what is in hand. */
  yieldTo(step: Step): void {
    if (this.current?.key !== stepKey(step)) this.breakOff();
  }

  breakOff(): void {
    if (this.current === null || this.current.breakOff.signal.aborted) return;
    this.current.breakOff.abort();
    this.options.workshop.interrupt();
  }

  private perform(work: Work, signal: AbortSignal): Promise<void> {
    if (work.type === 'restore') return this.restore(work, signal);
    if (work.type === 'apply') return this.apply(work, signal);
    return this.options.training.train(work.assignment);
  }

  private async restore({ checkpoint }: Work & { type: 'restore' }, signal: AbortSignal): Promise<void> {
    const { report, api, jobId, workshop, exchange, roundNow } = this.options;
    report({ phase: 'catching-up', reason: '', round: roundNow() });
    if (checkpoint === null) return workshop.restore(null, null);
    const say = (reason: string): void => report({ reason, exchange: exchange.stats() });
    await fetchCheckpoint(checkpoint, { jobId, api, workshop, exchange, say }, signal);
  }

  private async apply({ closed }: Work & { type: 'apply' }, signal: AbortSignal): Promise<void> {
    const { report, workshop, collector, own, training, roundNow } = this.options;
    const phase = roundNow() - closed.round > 1 ? 'catching-up' : 'exchanging';
    if (!training.isBeside) report({ phase, reason: '', round: closed.round });
    const contributions = await collector.gather(closed.round, closed.accepted, signal);
    if (contributions === null) return;
    await workshop.apply(closed.round, contributions, own.inside(closed), closed.learningRate);
  }
}
