// What a worker survives in a job, and for how long: work that fails, and a coordinator that is out of reach.

import { LoomError, describeError } from '../../../shared/errors.ts';
import { backoffMs } from '../../timing/backoff.ts';
import { sleep } from '../../timing/wait.ts';
import type { WorkerSnapshot } from '../events.ts';
import type { Workshop } from '../state/workshop.ts';

/** So many failures in a row, and this worker gives the job up. */
const failuresAtMost = 5;
/** Without the coordinator for so long, the session ends; the agreed state is kept. */
const lostForMs = 180_000;

export interface RecoveryOptions {
  workshop: Workshop;
  random: () => number;
  report: (patch: Partial<WorkerSnapshot>) => void;
}

export class Recovery {
  private readonly options: RecoveryOptions;
  private failures = 0; // in a row
  private lostAt: number | null = Date.now();

  constructor(options: RecoveryOptions) {
    this.options = options;
  }

  /** After a piece of work. A pause and a new trainer if it was the trainer's failure; the error that ends it all, or null. */
  async after(error: unknown): Promise<LoomError | null> {
    const { workshop, random, report } = this.options;
    this.failures = error === null ? 0 : this.failures + 1;
    if (error === null) return null;
    const reason = describeError(error);
    if (this.failures > failuresAtMost) {
      const message = `gave up after ${failuresAtMost} failures in a row, the last one: ${reason}`;
      return new LoomError('unavailable', message, { cause: error });
    }
    report({ reason: `Trying again: ${reason}` });
    await sleep(backoffMs(this.failures, random));
    if (workshop.isBroken) await workshop.reopen();
    return null;
  }

  found(): void {
    this.lostAt = null;
  }

  lost(reason: string): void {
    this.lostAt ??= Date.now();
    this.options.report({ phase: 'connecting', reason: `Lost the coordinator (${reason}); trying again.` });
  }

  get isLost(): boolean {
    return this.lostAt !== null;
  }

  /** The error when the coordinator has been out of reach for too long, else null. */
  outOfReach(): LoomError | null {
    const isTooLong = this.lostAt !== null && Date.now() - this.lostAt > lostForMs;
    return isTooLong ? new LoomError('unavailable', 'the coordinator cannot be reached') : null;
  }
}
