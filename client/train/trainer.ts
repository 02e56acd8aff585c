// The seam between a worker's life (network, rounds) and the training itself, which runs in a dedicated Worker in a page
// and in a worker thread in Node, so that neither the page nor the sockets ever wait for a step. Every method crosses a
// message port: arguments and results are structured-cloneable; byte arrays are transferred.
//
// The agreed state of a round is bit-identical on every worker: it changes only by `restore` and `apply`, both
// deterministic float32 JavaScript. What `train` does on the GPU is thrown away once its difference is encoded.

import type { Assignment, Audit } from '../../shared/protocol/messages.ts';
import type { Likeness } from '../../shared/verification/compare.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';

export interface StateRef {
  round: number;
  stateHash: string; // SHA-256 of the agreed state, see shared/rounds/state.ts
}

export interface TrainerReport {
  adapter: string;
  kind: 'webgpu' | 'cpu';
  why: string; // one sentence: which backends were tried and measured, and why this one won
  parameterCount: number;
  tokensPerSecond: number; // measured on this job's training step
}

export interface Contribution {
  round: number;
  payload: Uint8Array; // encoded difference, as the peers decode it
  hash: string; // SHA-256 of payload
  tokens: number;
  loss: number; // mean over the local steps, nats per token
  seconds: number;
  validation: { loss: number; tokens: number } | null; // on the agreed state, when the assignment asked for it
  pieces?: Folded[]; // the payload in segments, when the assignment asked for them
}

export interface WeighedPayload {
  payload: Uint8Array;
  tokens: number;
  folds?: number | undefined; // contributions that a group made it of; undefined for a worker's own
  staleness?: number | undefined; // rounds that the state it was trained from is older
}

export interface Folded {
  payload: Uint8Array;
  hash: string; // SHA-256 of payload
}

export interface TrainingProgress {
  round: number;
  step: number; // finished steps of this round
  steps: number;
  loss: number; // of the latest step read back
  tokensPerSecond: number;
}

export interface Artifact {
  files: { name: string; bytes: Uint8Array }[]; // a model folder, and sample.txt
  evaluation: { loss: number; tokens: number; unigramLoss: number; bigramLoss: number };
}

export interface TrainerJob {
  manifest: Manifest;
  data: Uint8Array; // the dataset's bytes as the coordinator serves them; checked by the caller against its SHA-256
  weights?: Uint8Array; // of a pretrained model: the packed folder, served and checked likewise
  backend: 'auto' | 'webgpu' | 'cpu';
}

export interface Applied extends StateRef {
  refused: number; // payloads that did not decode and therefore added nothing, on any worker
}

/** In nats per token. */
export interface Losses {
  before: number;
  after: (number | null)[]; // in the order of the payloads
}

export interface Trainer {
  /** Chooses a backend by measuring, builds the job's plan and the initial state of round 0. */
  open(job: TrainerJob): Promise<TrainerReport & StateRef>;
  /** The agreed state now held. */
  state(): Promise<StateRef>;
  /**
   * Replaces the agreed state with a checkpoint's bytes (`checkpoint` made them), or with the initial state for null.
   * @throws LoomError `invalid_frame` for bytes that are no checkpoint of this job's model
   */
  restore(checkpoint: Uint8Array | null): Promise<StateRef>;
  /** The agreed state as bytes: a safetensors file whose metadata names the round. */
  checkpoint(): Promise<Uint8Array>;
  /**
   * Trains locally from the agreed state; with bounded staleness that may be a later one than the assignment's, and `apply` may
   * replace it meanwhile.
   * @throws LoomError `conflict` when interrupted, or when the assignment is for another round than the agreed state;
   *   `device_lost` when the device went away: the next call opens another and the agreed state is unharmed
   */
  train(assignment: Assignment, onProgress: (progress: TrainingProgress) => void): Promise<Contribution>;
  /** Stops a running `train` after its current step (its round closed without us, or the user paused). */
  interrupt(): Promise<void>;
  /**
   * Applies a closed round's payloads, in order, weighted by tokens, and by staleness.
   * @param inside payloads that are in one of these, because a group folded them: of our own, if it is one
   * @param learningRate of the step that all take together, where gradients are exchanged
   */
  apply(round: number, contributions: WeighedPayload[], inside?: Uint8Array[], learningRate?: number): Promise<Applied>;
  /** One payload of several, in their order: the same bytes on every worker. */
  fold(round: number, inputs: WeighedPayload[]): Promise<Folded>;
  /** The same of one of `segments` segments: the inputs are pieces that `train` cut. */
  sum(round: number, inputs: WeighedPayload[], segment: number, segments: number): Promise<Folded>;
  /**
   * One payload of the sums of all segments: the one that a fold of the whole payloads would be.
   * @param folds contributions in it
   * @throws LoomError `invalid_frame` when a sum is not a payload of its segment
   */
  join(round: number, sums: Uint8Array[], folds: number): Promise<Folded>;
  /**
   * Losses on at most `tokens` of held-out text that `seed` draws: of the agreed state, and with each payload alone applied to
   * it; null for one that does not decode to finite numbers. @throws LoomError `conflict` when the agreed state is of another round
   */
  measure(round: number, payloads: Uint8Array[], seed: number, tokens: number): Promise<Losses>;
  /**
   * Computes another worker's shard again and compares. What this worker trains itself is not disturbed.
   * @throws LoomError `conflict` when the agreed state of the shard's round is not held any more
   */
  audit(audit: Audit, payload: Uint8Array): Promise<Likeness>;
  /** Which agreed state a checkpoint's bytes hold. @throws LoomError `invalid_frame` for bytes that hold none */
  inspect(checkpoint: Uint8Array): Promise<StateRef>;
  /** The finished model with its evaluation on the whole validation part. */
  artifact(): Promise<Artifact>;
  /** Fraction of the time the device may be busy, 0.05..1: the page's load slider. */
  setLoad(fraction: number): Promise<void>;
  close(): Promise<void>;
}
