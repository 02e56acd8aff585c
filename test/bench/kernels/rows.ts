// The rows of the benchmark, and their sizes for GPUs and for adapters that run on the CPU.

import { initialParameters } from '../../../client/models/initial-parameters.ts';
import { trainingPlan } from './ours.ts';
import type { AdamwTask, AttentionTask, Contestant, GemmTask, GptSize, TrainTask, Work } from './work.ts';
import { uniform } from './work.ts';

export interface Row {
  readonly name: string;
  readonly unit: 'GFLOP/s' | 'GB/s' | 'tokens/s';
  readonly amount: number; // of the unit (giga where it says so) that one run does
  /** What the hardware does meanwhile: arithmetic, or bytes that must move at least. */
  readonly also?: { readonly unit: 'GFLOP/s' | 'GB/s'; readonly amount: number };
  /** Undefined: the contestant has no such thing. */
  open(contestant: Contestant): Promise<Work> | undefined;
  readonly isLong?: true; // whole training steps: they get more time
  readonly mustAgree?: true; // about `Work.check`
  readonly isOurs?: true; // too large for the peers
}

export interface Sizes {
  readonly gemm: readonly number[];
  readonly attention: Omit<AttentionTask, 'qkv'>;
  readonly adamw: number; // elements
  readonly gpt: GptSize;
  readonly gpt2?: GptSize; // ours alone
}

const gpt = { vocabulary: 256, batch: 8 };
const gpt2 = { vocabulary: 50257, layers: 12, heads: 12, width: 768, context: 1024, batch: 4 }; // 124M parameters
export const sizes: Readonly<Record<'software' | 'gpu', Readonly<Record<'quick' | 'full', Sizes>>>> = {
  software: {
    quick: {
      gemm: [64, 128, 256],
      attention: { batch: 1, time: 64, heads: 4, headSize: 16 },
      adamw: 2 ** 18,
      gpt: { ...gpt, layers: 2, heads: 4, width: 64, context: 32, batch: 4 },
    },
    full: {
      gemm: [128, 256, 512],
      attention: { batch: 2, time: 128, heads: 4, headSize: 32 },
      adamw: 2 ** 20,
      gpt: { ...gpt, layers: 4, heads: 4, width: 64, context: 64 },
    },
  },
  gpu: {
    quick: {
      gemm: [512, 1024, 2048, 4096],
      attention: { batch: 4, time: 1024, heads: 12, headSize: 64 },
      adamw: 2 ** 25,
      gpt: { ...gpt, layers: 6, heads: 8, width: 512, context: 256 },
      gpt2,
    },
    full: {
      gemm: [256, 512, 1024, 2048, 4096, 8192],
      attention: { batch: 8, time: 1024, heads: 12, headSize: 64 },
      adamw: 2 ** 25,
      gpt: { ...gpt, layers: 12, heads: 12, width: 768, context: 512 },
      gpt2,
    },
  },
};

export function listRows({ gemm, attention, adamw, gpt: shape, gpt2: large }: Sizes): Row[] {
  const alone: Row[] = large ? [{ ...trainRow(large), isOurs: true }, decodeRow(large)] : [];
  const parts = [...gemm.map(gemmRow), attentionRow(attention), adamwRow(adamw)];
  return [...parts, trainRow(shape), forwardRow(shape), decodeRow(shape), ...alone];
}

/** What ours does in f16, alone. */
export function listHalfRows({ gemm, gpt: shape, gpt2: large }: Sizes): Row[] {
  return [...gemm.map(gemmRow), trainRow(shape), ...(large ? [trainRow(large)] : [])];
}

export function inHalves(rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row, name: `${row.name}, f16` }));
}

export function gemmRow(n: number): Row {
  const task: GemmTask = { n, a: uniform(n * n, 1), b: uniform(n * n, 2) };
  return { name: `GEMM ${n}`, unit: 'GFLOP/s', amount: (2 * n ** 3) / 1e9, open: (who) => who.gemm?.(task) };
}

/** Forward. What lies beyond the diagonal does not count, whether or not a contestant computes it. */
function attentionRow(size: Omit<AttentionTask, 'qkv'>): Row {
  const { batch, time, heads, headSize } = size;
  const task: AttentionTask = { ...size, qkv: uniform(batch * time * 3 * heads * headSize, 3) };
  const name = `attention ${batch}x${heads}x${time}x${headSize}`;
  const amount = (4 * batch * heads * headSize * ((time * (time + 1)) / 2)) / 1e9;
  return { name, unit: 'GFLOP/s', amount, open: (who) => who.attention?.(task) };
}

/** Reads gradient, parameter and both moments, writes the last three: 28 bytes an element, whatever a contestant moves. */
function adamwRow(elements: number): Row {
  const task: AdamwTask = { elements, gradients: uniform(elements, 4) };
  const amount = (28 * elements) / 1e9;
  return { name: `AdamW ${elements}`, unit: 'GB/s', amount, open: (who) => who.adamw?.(task) };
}

function trainRow(shape: GptSize): Row {
  const { layers, width, context, batch } = shape;
  let task: TrainTask | undefined; // drawn when it is needed
  return {
    name: `step of a GPT ${layers}x${width}, ${batch}x${context}`,
    unit: 'tokens/s',
    amount: batch * context,
    also: { unit: 'GFLOP/s', amount: 3 * forwardGigaflops(shape) },
    open: (who) => who.trainStep?.((task ??= trainTask(shape))),
    isLong: true,
    mustAgree: true,
  };
}

/** Inference without a cache: the logits of every position. */
function forwardRow(shape: GptSize): Row {
  const { layers, width, context, batch } = shape;
  let task: TrainTask | undefined;
  return {
    name: `forward of a GPT ${layers}x${width}, ${batch}x${context}`,
    unit: 'tokens/s',
    amount: batch * context,
    also: { unit: 'GFLOP/s', amount: forwardGigaflops(shape) },
    open: (who) => who.forward?.((task ??= trainTask(shape))),
    mustAgree: true,
  };
}

/** Text of one sequence, a token at a time, the sampling and the reading of each token included. */
function decodeRow(shape: GptSize): Row {
  const tokens = Math.min(64, shape.context - 1);
  let task: TrainTask | undefined;
  return {
    name: `decode ${tokens} tokens of a GPT ${shape.layers}x${shape.width}`,
    unit: 'tokens/s',
    amount: tokens,
    also: {
      unit: 'GB/s',
      amount: (tokens * (4 * weightsOf(shape) + 8 * shape.layers * shape.width * (tokens / 2))) / 1e9,
    },
    open: (who) => who.decode?.((task ??= trainTask(shape)), tokens),
  };
}

/** Of products and causal attention over a whole batch. A backward pass does twice as much again. */
function forwardGigaflops(shape: GptSize): number {
  const { layers, width, context, batch } = shape;
  const attention = 2 * layers * width * (context + 1); // scores and sums of values, half of each a square
  return (batch * context * (2 * weightsOf(shape) + attention)) / 1e9;
}

/** Elements of the matrices that every token is multiplied with. */
function weightsOf({ layers, width, vocabulary }: GptSize): number {
  return 12 * layers * width * width + vocabulary * width;
}

export function trainTask(shape: GptSize): TrainTask {
  const plan = trainingPlan(shape);
  const flat = initialParameters(plan, shape, 1);
  const parameters = Object.fromEntries(
    plan.parameters.map((p) => [p.name, { shape: p.shape, data: flat.slice(p.offset, p.offset + p.elements) }]),
  );
  const draw = (seed: number) =>
    Uint32Array.from(uniform(shape.batch * shape.context, seed), (x) => Math.floor(((x + 1) / 2) * shape.vocabulary));
  return { shape, parameters, tokens: draw(5), targets: draw(6) };
}
