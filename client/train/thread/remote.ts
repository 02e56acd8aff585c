// A trainer in another thread: the same interface over a message port (comlink). Errors keep their codes on the way, byte
// arrays that a result carries are transferred, and a thread that dies fails every call that waits for it.

import { expose, proxy, transfer, wrap } from 'comlink';
import type { Endpoint, Remote } from 'comlink';
import { LoomError, describeError } from '../../../shared/errors.ts';
import type { ErrorBody } from '../../../shared/errors.ts';
import type { Assignment, Audit } from '../../../shared/protocol/messages.ts';
import type { Likeness } from '../../../shared/verification/compare.ts';
import { within } from '../../timing/wait.ts';
import type { OnProgress } from '../algorithm.ts';
import type {
  Applied,
  Artifact,
  Contribution,
  Folded,
  Losses,
  StateRef,
  Trainer,
  TrainerJob,
  TrainerReport,
  WeighedPayload,
} from '../trainer.ts';

/** Answers calls that arrive at `endpoint` with `trainer`: the last line of a worker's entry file. */
export function serveTrainer(trainer: Trainer, endpoint: Endpoint): void {
  const served: Trainer = {
    open: (job) => answer(trainer.open(job)),
    state: () => answer(trainer.state()),
    restore: (checkpoint) => answer(trainer.restore(checkpoint)),
    checkpoint: () => answer(trainer.checkpoint(), (bytes) => [bytes]),
    train: (assignment, onProgress) =>
      answer(trainer.train(assignment, onProgress), ({ payload, pieces = [] }) => [
        payload,
        ...pieces.map((piece) => piece.payload),
      ]),
    interrupt: () => answer(trainer.interrupt()),
    apply: (...closed) => answer(trainer.apply(...closed)),
    fold: (round, inputs) => answer(trainer.fold(round, inputs), ({ payload }) => [payload]),
    sum: (round, inputs, segment, segments) =>
      answer(trainer.sum(round, inputs, segment, segments), ({ payload }) => [payload]),
    join: (round, sums, folds) => answer(trainer.join(round, sums, folds), ({ payload }) => [payload]),
    measure: (round, payloads, seed, tokens) => answer(trainer.measure(round, payloads, seed, tokens)),
    audit: (audit, payload) => answer(trainer.audit(audit, payload)),
    inspect: (checkpoint) => answer(trainer.inspect(checkpoint)),
    artifact: () => answer(trainer.artifact(), ({ files }) => files.map(({ bytes }) => bytes)),
    setLoad: (fraction) => answer(trainer.setLoad(fraction)),
    close: () => answer(trainer.close()),
  };
  expose(served, endpoint);
}

const closeMs = 3_000;

/** The other side of a thread that was started for one trainer. */
export interface TrainerThread {
  readonly endpoint: Endpoint;
  /** Resolves with a reason when the thread ends by itself. */
  readonly ended: Promise<string>;
  terminate(): void;
}

export class RemoteTrainer implements Trainer {
  readonly #thread: TrainerThread;
  readonly #remote: Remote<Trainer>;
  readonly #waiting = new Set<(error: LoomError) => void>();
  #end: LoomError | null = null;

  constructor(thread: TrainerThread) {
    this.#thread = thread;
    this.#remote = wrap<Trainer>(thread.endpoint);
    void this.#watch();
  }

  open(job: TrainerJob): Promise<TrainerReport & StateRef> {
    return this.#call(() => this.#remote.open(job));
  }

  state(): Promise<StateRef> {
    return this.#call(() => this.#remote.state());
  }

  restore(checkpoint: Uint8Array | null): Promise<StateRef> {
    return this.#call(() => this.#remote.restore(checkpoint));
  }

  checkpoint(): Promise<Uint8Array> {
    return this.#call(() => this.#remote.checkpoint());
  }

  train(assignment: Assignment, onProgress: OnProgress): Promise<Contribution> {
    return this.#call(() => this.#remote.train(assignment, proxy(onProgress)));
  }

  interrupt(): Promise<void> {
    return this.#call(() => this.#remote.interrupt());
  }

  apply(...closed: Parameters<Trainer['apply']>): Promise<Applied> {
    return this.#call(() => this.#remote.apply(...closed));
  }

  fold(round: number, inputs: WeighedPayload[]): Promise<Folded> {
    return this.#call(() => this.#remote.fold(round, inputs));
  }

  sum(round: number, inputs: WeighedPayload[], segment: number, segments: number): Promise<Folded> {
    return this.#call(() => this.#remote.sum(round, inputs, segment, segments));
  }

  join(round: number, sums: Uint8Array[], folds: number): Promise<Folded> {
    return this.#call(() => this.#remote.join(round, sums, folds));
  }

  measure(round: number, payloads: Uint8Array[], seed: number, tokens: number): Promise<Losses> {
    return this.#call(() => this.#remote.measure(round, payloads, seed, tokens));
  }

  audit(audit: Audit, payload: Uint8Array): Promise<Likeness> {
    return this.#call(() => this.#remote.audit(audit, payload));
  }

  inspect(checkpoint: Uint8Array): Promise<StateRef> {
    return this.#call(() => this.#remote.inspect(checkpoint));
  }

  artifact(): Promise<Artifact> {
    return this.#call(() => this.#remote.artifact());
  }

  setLoad(fraction: number): Promise<void> {
    return this.#call(() => this.#remote.setLoad(fraction));
  }

  /** Ends the thread after its work in hand, or in the middle of it if that takes long. */
  async close(): Promise<void> {
    if (this.#end === null) {
      const closing = this.#call(() => this.#remote.close());
      await within(closeMs, 'closing the trainer', closing).catch(() => {});
    }
    this.#endWith('the trainer is closed');
    this.#thread.terminate();
  }

  async #watch(): Promise<void> {
    this.#endWith(`the training thread ended: ${await this.#thread.ended}`);
  }

  #endWith(message: string): void {
    this.#end ??= new LoomError('unavailable', message);
    for (const fail of this.#waiting) fail(this.#end);
    this.#waiting.clear();
  }

  async #call<T>(send: () => Promise<T>): Promise<T> {
    if (this.#end !== null) throw this.#end;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.add(reject);
    send().then(resolve, (body: ErrorBody) => reject(LoomError.from(body)));
    return promise.finally(() => this.#waiting.delete(reject));
  }
}

/** Comlink keeps of an Error only its message; a plain object crosses whole. */
async function answer<T>(result: Promise<T>, buffers?: (value: T) => Uint8Array[]): Promise<T> {
  try {
    const value = await result;
    return buffers === undefined
      ? value
      : transfer(
          value,
          buffers(value).map(({ buffer }) => buffer as ArrayBuffer),
        );
  } catch (error) {
    throw error instanceof LoomError
      ? error.toJSON()
      : ({ code: 'internal', message: describeError(error) } satisfies ErrorBody);
  }
}
