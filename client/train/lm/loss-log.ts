// The losses of a round's steps, read back a few steps late so that the device never waits for the host, and reported a few
// times a second.

import { LoomError } from '../../../shared/errors.ts';
import type { Assignment } from '../../../shared/protocol/messages.ts';
import type { OnProgress } from '../algorithm.ts';
import type { Pace } from '../pace.ts';

const reportMs = 250;

export class LossLog {
  readonly #assignment: Assignment;
  readonly #tokensPerStep: number;
  readonly #pace: Pace;
  readonly #report: OnProgress;
  readonly #pending: Promise<ArrayLike<number>>[] = [];
  readonly #startedAt: number;
  #reportedAt: number;
  #steps = 0;
  #sum = 0;

  constructor(assignment: Assignment, tokensPerStep: number, pace: Pace, report: OnProgress) {
    this.#assignment = assignment;
    this.#tokensPerStep = tokensPerStep;
    this.#pace = pace;
    this.#report = report;
    this.#startedAt = this.#reportedAt = pace.now();
  }

  /** Mean of the losses so far, nats per token. */
  get mean(): number {
    return this.#sum / this.#steps;
  }

  /** Notes a step; waits for the oldest one when more than `inFlight` are not read yet. */
  async push(loss: Promise<ArrayLike<number>>, inFlight: number): Promise<void> {
    loss.catch(() => {}); // when the device is lost, `run` says so first
    this.#pending.push(loss);
    while (this.#pending.length > inFlight) await this.#take();
  }

  /** Waits for the losses of every step. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) await this.#take();
  }

  async #take(): Promise<void> {
    const loss = (await this.#pending.shift()!)[0]!;
    this.#steps++;
    this.#sum += loss;
    if (!Number.isFinite(loss)) throw diverged(loss, this.#assignment.round, this.#steps);
    const now = this.#pace.now();
    const isLast = this.#steps === this.#assignment.steps;
    if (now - this.#reportedAt < reportMs && !isLast) return;
    this.#reportedAt = now;
    const tokensPerSecond = (1000 * this.#steps * this.#tokensPerStep) / Math.max(1, now - this.#startedAt);
    const { round, steps } = this.#assignment;
    this.#report({ round, step: this.#steps, steps, loss, tokensPerSecond });
  }
}

function diverged(loss: number, round: number, step: number): LoomError {
  return new LoomError('internal', `training diverged: the loss is ${loss} in step ${step} of round ${round}`, {
    where: 'spec.optimizer.learningRate',
    allowed: 'a smaller one',
  });
}
