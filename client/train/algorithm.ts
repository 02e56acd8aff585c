// What a training algorithm brings to the trainer: its model, its local steps, its evaluation and its files. The trainer owns
// the agreed state, the exchange format and the device's choice; one algorithm a file beside this one.

import type { Device, Program } from '../../kernels/device/device.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import type { Assignment } from '../../shared/protocol/messages.ts';
import type { Evaluation } from './lm/evaluate.ts';
import type { Pace } from './pace.ts';
import type { Artifact, TrainingProgress } from './trainer.ts';

/** A job's algorithm before any device: pure description. */
export interface Algorithm {
  /** One batch with the step after it; what backends are measured on. */
  readonly plan: Plan;
  readonly tokensPerBatch: number;
  /** Agreed parameters of round 0, the same bits everywhere. */
  initialParameters(): Float32Array<ArrayBuffer>;
  open(device: Device): Promise<LocalRun>;
}

/** An algorithm on a device. Holds what stays with this worker between rounds, such as the inner optimizer's moments. */
export interface LocalRun {
  /** Holds the parameters that were trained last, until something else is measured or trained. */
  readonly program: Program;
  /** Local steps from the agreed parameters; where gradients are exchanged, as many batches at them. @throws LoomError `conflict` when `pace` was interrupted */
  train(start: Float32Array, assignment: Assignment, pace: Pace, progress: OnProgress): Promise<LocalResult>;
  /** The mean gradient of the batches that were trained last, clipped as the optimizer says; null where each step was taken. */
  gradient(): Promise<Float32Array> | null;
  /** Loss on a fixed sample of the validation part. */
  evaluate(parameters: Float32Array, pace: Pace): Promise<Evaluation>;
  /** Loss on held-out text that `seed` draws, at most `tokens` of it: nobody can have prepared for it. */
  sample(parameters: Float32Array, seed: number, tokens: number, pace: Pace): Promise<number>;
  /** Forgets all that training left behind, as if this worker had just begun. */
  forget(): void;
  /** The model's files and its loss on the whole validation part. */
  artifact(parameters: Float32Array, pace: Pace): Promise<Artifact>;
}

export interface LocalResult {
  readonly tokens: number;
  readonly loss: number; // mean over the steps
}

export type OnProgress = (progress: TrainingProgress) => void;

export interface Job {
  readonly manifest: Manifest;
  readonly data: Uint8Array;
  readonly weights?: Uint8Array; // the packed folder of a pretrained model
}
