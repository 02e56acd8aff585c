// How hard the training thread works: the load slider, interruption, and its turns for other events. Time is an argument.

import { LoomError } from '../../shared/errors.ts';

export interface Timing {
  now(): number; // milliseconds, monotonic
  sleep(ms: number): Promise<void>; // lets other events run even for 0
}

/** The pace of one piece of work. */
export class Pace {
  readonly #timing: Timing;
  readonly #load: () => number;
  readonly #interruption: AbortSignal;
  #busySince: number;

  /** @param load the fraction of the time that may be spent busy now, 0.05..1 */
  constructor(timing: Timing, load: () => number, interruption: AbortSignal) {
    this.#timing = timing;
    this.#load = load;
    this.#interruption = interruption;
    this.#busySince = timing.now();
  }

  now(): number {
    return this.#timing.now();
  }

  /**
   * Called between two steps: sleeps in proportion to the time since the last rest, and lets other events run.
   * @throws LoomError `conflict` when interrupted
   */
  async rest(): Promise<void> {
    const busyMs = this.#timing.now() - this.#busySince;
    await this.#timing.sleep(busyMs * (1 / Math.min(1, Math.max(0.05, this.#load())) - 1));
    if (this.#interruption.aborted) throw new LoomError('conflict', 'interrupted');
    this.#busySince = this.#timing.now();
  }
}

/** The real clock of this thread. A sleep of 0 is one turn of the event loop, without the milliseconds a timer takes. */
export const realTiming: Timing = {
  now: () => performance.now(),
  sleep: (ms) => (ms >= 1 ? new Promise((resolve) => setTimeout(resolve, ms)) : nextTurn()),
};

function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
