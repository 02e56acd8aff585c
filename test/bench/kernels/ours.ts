// LoomOS as a contestant: plans, as the trainer runs them.

import { TokenGenerator } from '../../../client/models/generate/token-generator.ts';
import { listDecoder } from '../../../client/models/decoder.ts';
import type { DecoderShape } from '../../../client/models/decoder.ts';
import { listGpt } from '../../../client/models/gpt.ts';
import type { GptShape } from '../../../client/models/gpt.ts';
import { windows } from '../../../client/models/sequence.ts';
import { adamw, adamwHyper } from '../../../kernels/adamw/adamw.ts';
import { attend } from '../../../kernels/attention/attention.ts';
import type { Counters, Device, Program } from '../../../kernels/device/device.ts';
import { matmul } from '../../../kernels/matmul/matmul.ts';
import { traitsOf } from '../../../kernels/plan/halves.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Attributes, View } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { crossEntropy } from '../../../kernels/softmax/cross-entropy.ts';
import { meanSize } from './work.ts';
import type { Contestant, GptSize, TrainTask, Work } from './work.ts';

const hyper = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxNorm: 1 };

/** Times a single op stands in its plan: `run` keeps only two runs in flight, which would show in small ones. */
const repeats = 4;

interface OurOptions {
  /** Of every product of `gemm`: sweeps fix tiles with them. */
  readonly attributes?: Attributes;
  /** Of products alone and of training steps. */
  readonly precision?: Precision;
}

type Precision = 'f32' | 'f16';

/** Whether a device has programs of f16. */
export function hasHalves({ tuning }: Device): boolean {
  return tuning !== undefined && traitsOf('f16', tuning.traits).halfProducts !== undefined;
}

export function ourselves(device: Device, { attributes = {}, precision = 'f32' }: OurOptions = {}): Contestant {
  const open = async (builder: PlanBuilder, values: Readonly<Record<string, View>>): Promise<Work> => {
    builder.input('fence', [1]);
    const program = await device.compile(builder.finish(), { precision });
    for (const [name, data] of Object.entries(values)) program.write(name, data);
    return workOf(program, 'fence');
  };
  const openRepeated: typeof open = async (builder, values) => ({ ...(await open(builder, values)), repeats });
  return {
    name: 'ours',
    gemm({ n, a, b }) {
      const builder = new PlanBuilder();
      const operands = ['a', 'b'].map((name) => builder.state(name, [n, n], 'f32', 'activation')); // f16 where programs are
      for (let i = 0; i < repeats; i++) builder.op(matmul, operands, { layout: 'nn', ...attributes });
      return openRepeated(builder, { a, b });
    },
    attention({ batch, time, heads, headSize, qkv }) {
      const builder = new PlanBuilder();
      const input = builder.input('qkv', [batch * time, 3 * heads * headSize]);
      for (let i = 0; i < repeats; i++) attend(builder, input, { time, heads });
      return openRepeated(builder, { qkv });
    },
    adamw({ elements, gradients }) {
      const builder = new PlanBuilder();
      builder.parameter('p', [elements]);
      adamw(builder);
      return open(builder, { gradients, 'adamw.hyper': adamwHyper(hyper, 1) });
    },
    async trainStep(task) {
      const program = await openStep(device, task, precision);
      return { ...workOf(program, 'loss'), check: async () => (await program.read('loss'))[0]! };
    },
    async forward(task) {
      const program = await device.compile(forwardPlan(task.shape));
      for (const [name, { data }] of Object.entries(task.parameters)) program.write(name, data);
      program.write('tokens', task.tokens);
      return { ...workOf(program, 'tokens'), check: async () => meanSize(await program.read('logits')) };
    },
    async decode(task, tokens) {
      const generator = await TokenGenerator.open(device, gptOf(task.shape), { capacity: tokens + 1 });
      generator.writeParameters(flatOf(task));
      const options = { tokens, temperature: 0.8, topK: 40, topP: 1, seed: 1 };
      const run = async () => {
        for await (const _ of generator.generate([1], options));
      };
      return { run, finish: async () => {}, destroy: () => generator.destroy() };
    },
  };
}

/** A training step with everything written that it needs. */
export async function openStep(device: Device, task: TrainTask, precision: Precision = 'f32'): Promise<Program> {
  const program = await device.compile(trainingPlan(task.shape), { precision });
  for (const [name, { data }] of Object.entries(task.parameters)) program.write(name, data);
  program.write('tokens', task.tokens);
  program.write('targets', task.targets);
  program.write('adamw.hyper', adamwHyper(hyper, 1));
  return program;
}

export function trainingPlan(size: GptSize): Plan {
  return trainingPlanOf(gptOf(size), size);
}

/** A training step with AdamW of any decoder. */
export function trainingPlanOf(shape: DecoderShape, size: Pick<GptSize, 'batch' | 'context'>): Plan {
  const builder = new PlanBuilder();
  const tokens = builder.input('tokens', [size.batch, size.context], 'u32');
  const targets = builder.input('targets', [size.batch, size.context], 'u32');
  const logits = listDecoder(builder, shape, windows(builder, tokens));
  const loss = builder.readable(crossEntropy(builder, logits, targets));
  builder.backward(loss);
  adamw(builder);
  return builder.finish();
}

function forwardPlan(size: GptSize): Plan {
  const builder = new PlanBuilder();
  const tokens = builder.input('tokens', [size.batch, size.context], 'u32');
  builder.readable(listGpt(builder, gptOf(size), windows(builder, tokens)));
  return builder.finish();
}

function gptOf(size: GptSize): GptShape {
  return { kind: 'gpt', ...size, positions: 'learned', norm: 'layer' };
}

function flatOf({ shape, parameters }: TrainTask): Float32Array {
  const plan = forwardPlan(shape);
  const flat = new Float32Array(plan.parameterCount);
  for (const { name, offset } of plan.parameters) flat.set(parameters[name]!.data, offset);
  return flat;
}

/** What one run of a program costs after its first, exactly. */
export async function countersOfStep(device: Device, task: TrainTask): Promise<Counters> {
  const program = await openStep(device, task);
  const step = async () => {
    program.write('tokens', task.tokens);
    program.write('targets', task.targets);
    await program.run();
    await program.read('loss');
  };
  await step();
  const before = { ...program.counters };
  await step();
  const after = { ...program.counters };
  program.destroy();
  const changes = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Counters]]);
  return { ...(Object.fromEntries(changes) as unknown as Counters), bufferBytes: after.bufferBytes };
}

function workOf(program: Program, fence: string): Work {
  return { run: () => program.run(), finish: () => program.read(fence), destroy: () => program.destroy() };
}
