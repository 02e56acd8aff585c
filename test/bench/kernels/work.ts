// What a benchmark measures: the same work, written natively by every contestant. Numbers come from a seed, so that all get the same.

import { createRandom } from '../../../shared/random.ts';

/** Work that is set up. */
export interface Work {
  /** Queues it once more; every run does everything again. */
  run(): void | Promise<void>;
  /** How often one run does the work, when it is more than once. */
  readonly repeats?: number;
  /** Resolves when all runs so far are done. */
  finish(): Promise<unknown>;
  /** A number of the latest run that contestants must agree about: the loss of a step, the mean size of logits. */
  check?(): Promise<number>;
  destroy?(): void;
}

export interface GemmTask {
  readonly n: number; // [n, n] times [n, n]
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export interface AttentionTask {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  readonly headSize: number;
  readonly qkv: Float32Array; // [B * T, 3 H D]
}

export interface AdamwTask {
  readonly elements: number;
  readonly gradients: Float32Array;
}

/** A GPT-2 of these sizes on one batch. */
export interface GptSize {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly batch: number;
}

export interface TrainTask {
  readonly shape: GptSize;
  readonly parameters: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;
  readonly tokens: Uint32Array; // [B * T]
  readonly targets: Uint32Array;
}

/** Who takes part, in what it can: onnxruntime-web only runs models. */
export interface Contestant {
  readonly name: string;
  gemm?(task: GemmTask): Promise<Work>;
  attention?(task: AttentionTask): Promise<Work>;
  adamw?(task: AdamwTask): Promise<Work>;
  trainStep?(task: TrainTask): Promise<Work>;
  /** Logits of the task's tokens. */
  forward?(task: TrainTask): Promise<Work>;
  /** So many tokens after one, each from the one before. */
  decode?(task: TrainTask, tokens: number): Promise<Work>;
}

/** What contestants compare logits by. */
export function meanSize(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum / values.length;
}

/** Normal numbers would take longer to draw than some rows to measure. */
export function uniform(elements: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const data = new Float32Array(elements);
  for (let i = 0; i < elements; i++) data[i] = (random.below(65536) - 32768) / 32768;
  return data;
}
