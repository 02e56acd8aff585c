// The trainer of one job and the agreed state it holds. Whatever changes that state is kept before anyone hears of it, so a
// trainer that dies, with its thread, its device or the whole process, goes on from the last state that was reported.

import { LoomError } from '../../../shared/errors.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import type { Assignment, Audit } from '../../../shared/protocol/messages.ts';
import type { Likeness } from '../../../shared/verification/compare.ts';
import type {
  Artifact,
  Contribution,
  Folded,
  Losses,
  StateRef,
  Trainer,
  TrainerReport,
  TrainingProgress,
  WeighedPayload,
} from '../../train/trainer.ts';
import type { Keepsake } from './keepsake.ts';

/** Failures that leave the trainer as it was: interrupted, given wrong bytes, or without its device until the next call. */
const harmless: ReadonlySet<string> = new Set(['conflict', 'invalid_frame', 'device_lost']);

export interface WorkshopOptions {
  createTrainer: () => Trainer;
  manifest: Manifest;
  data: Uint8Array;
  weights?: Uint8Array; // of a pretrained model: the packed folder
  backend: 'auto' | 'webgpu' | 'cpu';
  load: number;
  keepsake: Keepsake;
  hungMs?: number; // how long an interrupted step may still take
}

export class Workshop {
  private readonly options: WorkshopOptions;
  private load: number;
  private trainer: Trainer;
  private opened: (TrainerReport & StateRef) | null = null;
  private held: StateRef = { round: 0, stateHash: '' };
  /** A call failed in a way that only a new trainer cures. */
  isBroken = false;
  private giveUp: (() => void) | null = null; // while training
  private hangs: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WorkshopOptions) {
    this.options = options;
    this.load = options.load;
    this.trainer = options.createTrainer();
  }

  get report(): TrainerReport {
    if (this.opened === null) throw new LoomError('internal', 'the trainer is not open');
    return this.opened;
  }

  get holds(): StateRef {
    return this.held;
  }

  /** Opens the trainer on the state that an earlier life kept, or on the job's initial one. */
  async open(): Promise<void> {
    const { manifest, data, weights, backend, keepsake } = this.options;
    this.opened = await this.trainer.open({ manifest, data, backend, ...(weights && { weights }) });
    await this.trainer.setLoad(this.load);
    this.held = { round: this.opened.round, stateHash: this.opened.stateHash };
    const kept = await keepsake.state();
    if (kept !== null) this.held = await this.trainer.restore(kept).catch(() => this.trainer.restore(null));
  }

  /** A new trainer in place of a broken one. If that fails it stays broken: the next call says so. */
  async reopen(): Promise<void> {
    this.trainer.close().catch(() => undefined);
    this.trainer = this.options.createTrainer();
    this.isBroken = false;
    await this.guard(this.open()).catch(() => undefined);
  }

  /** @throws LoomError `invalid_frame` if the bytes are not the state they should be */
  async restore(checkpoint: Uint8Array | null, expected: StateRef | null): Promise<void> {
    const held = await this.guard(this.trainer.restore(checkpoint));
    if (expected !== null && (held.stateHash !== expected.stateHash || held.round !== expected.round)) {
      this.held = await this.guard(this.trainer.restore(null));
      throw new LoomError(
        'invalid_frame',
        `the checkpoint of round ${held.round} is another state than the room says`,
        {
          allowed: `round ${expected.round}, ${expected.stateHash}`,
        },
      );
    }
    await this.keep(held);
  }

  /** A closed round, as Trainer.apply takes it. */
  async apply(...closed: Parameters<Trainer['apply']>): Promise<void> {
    await this.keep(await this.guard(this.trainer.apply(...closed)));
  }

  fold(round: number, inputs: WeighedPayload[]): Promise<Folded> {
    return this.guard(this.trainer.fold(round, inputs));
  }

  sum(round: number, pieces: WeighedPayload[], segment: number, segments: number): Promise<Folded> {
    return this.guard(this.trainer.sum(round, pieces, segment, segments));
  }

  join(round: number, sums: Uint8Array[], folds: number): Promise<Folded> {
    return this.guard(this.trainer.join(round, sums, folds));
  }

  async train(assignment: Assignment, onProgress: (progress: TrainingProgress) => void): Promise<Contribution> {
    const { promise: hung, reject } = Promise.withResolvers<never>();
    this.giveUp = () => reject(new LoomError('unavailable', 'the training thread does not answer'));
    try {
      return await this.guard(Promise.race([this.trainer.train(assignment, onProgress), hung]));
    } finally {
      clearTimeout(this.hangs);
      this.hangs = undefined;
      this.giveUp = null;
    }
  }

  /** Stops the training after its step in hand; a trainer that never comes to that end counts as broken. */
  interrupt(): void {
    if (this.giveUp === null) return;
    this.trainer.interrupt().catch(() => undefined); // a dead trainer fails the call that trains
    this.hangs ??= setTimeout(this.giveUp, this.options.hungMs ?? 60_000);
  }

  measure(round: number, payloads: Uint8Array[], seed: number, tokens: number): Promise<Losses> {
    return this.guard(this.trainer.measure(round, payloads, seed, tokens));
  }

  audit(audit: Audit, payload: Uint8Array): Promise<Likeness> {
    return this.guard(this.trainer.audit(audit, payload));
  }

  inspect(checkpoint: Uint8Array): Promise<StateRef> {
    return this.guard(this.trainer.inspect(checkpoint));
  }

  checkpoint(): Promise<Uint8Array> {
    return this.guard(this.trainer.checkpoint());
  }

  artifact(): Promise<Artifact> {
    return this.guard(this.trainer.artifact());
  }

  setLoad(load: number): void {
    this.load = load;
    this.trainer.setLoad(load).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.trainer.close();
  }

  private async keep({ round, stateHash }: StateRef): Promise<void> {
    await this.options.keepsake.keepState({ round, stateHash }, await this.guard(this.trainer.checkpoint()));
    this.held = { round, stateHash };
  }

  private async guard<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      this.isBroken = !(error instanceof LoomError && harmless.has(error.code));
      throw error;
    }
  }
}
