// One harness for every kernel family. It compares an op on every device with the reference, its adjoint with central finite
// differences of the reference in float64, and the adjoint on every device with the reference.
// Distances are ||out - ref|| / ||ref||; a NaN is never close to anything, and outputs are poisoned with NaN first.

import { createRandom } from '../../shared/random.ts';
import { openCpu } from '../device/cpu.ts';
import type { Device } from '../device/device.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Attributes, DType, Kernel, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { testDevices } from './devices.ts';
import { interpret } from './interpret.ts';

export interface CheckedInput {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** Default: normal numbers for f32; for u32 integers below `below`. */
  readonly data?: ArrayLike<number>;
  readonly below?: number;
  /** False: not differentiated (targets, hyper-parameters). Default: true for f32 when the kernel has an adjoint. */
  readonly gradient?: boolean;
}

export interface Check {
  readonly kernel: Kernel;
  readonly inputs: readonly CheckedInput[];
  readonly attributes?: Attributes;
  /** In-place kernels: what the outputs hold before. */
  readonly before?: readonly CheckedInput[];
  readonly seed?: number;
  /** Largest distance of a device from the reference. */
  readonly tolerance?: number;
  /** Largest distance of the adjoint from finite differences, both in float64. */
  readonly gradientTolerance?: number;
  /** Outputs that carry a gradient, by index; default all f32 outputs. Saved statistics (mean, logsumexp) do not. */
  readonly gradientOutputs?: readonly number[];
  /** 'cpu': only the CPU backend, for shapes beyond the few that each device needs. */
  readonly devices?: 'cpu';
}

/** Runs every check of one op; throws an error that names the device, the tensor and the distance. */
export async function checkKernel(check: Check): Promise<void> {
  const program = listProgram(check);
  const reference = interpret(program.plan, program.values);
  if (program.gradients.length > 0) checkFiniteDifferences(check, program);
  const devices = check.devices === 'cpu' ? [openCpu()] : await testDevices();
  for (const device of devices) await checkDevice(device, check, program, reference);
}

interface CheckedProgram {
  readonly plan: Plan;
  readonly values: Record<string, View>;
  readonly outputs: readonly Tensor[];
  readonly seeds: readonly { output: Tensor; gradient: Tensor }[]; // outputs and the gradients they begin with
  readonly gradients: readonly { input: Tensor; gradient: string }[];
}

/** inputs -> op -> readable outputs, and the gradients of the inputs for random gradients of the outputs. */
function listProgram(check: Check): CheckedProgram {
  const { kernel, attributes = {}, before = [] } = check;
  const builder = new PlanBuilder();
  const values: Record<string, View> = {};
  const declare = (kind: 'input' | 'parameter' | 'state', name: string, input: CheckedInput, index: number): Tensor => {
    values[name] = randomData(input, (check.seed ?? 1) + index);
    return kind === 'parameter' ? builder.parameter(name, input.shape) : builder[kind](name, input.shape, input.dtype);
  };
  const isDifferentiated = (input: CheckedInput) =>
    !!kernel.adjoint && input.dtype !== 'u32' && input.gradient !== false;
  const inputs = check.inputs.map((input, i) =>
    declare(isDifferentiated(input) ? 'parameter' : 'input', `input ${i}`, input, i),
  );
  const states = before.map((state, i) => declare('state', `output ${i}`, state, 100 + i));
  if (kernel.inPlace) builder.update(kernel, inputs, states, attributes);
  const outputs = kernel.inPlace ? states : builder.op(kernel, inputs, attributes, numbered('output', 9));
  for (const output of outputs) builder.readable(output);

  const parameters = inputs.filter((input) => input.role === 'parameter');
  const seeds = parameters.length === 0 ? [] : seedOutputs(check, outputs, declare);
  if (seeds.length > 0) builder.backwardFrom(seeds);
  const plan = builder.finish();
  const gradients = parameters.map((input) => ({ input, gradient: `d(${input.name})` }));
  const missing = gradients.find(({ gradient }) => !plan.tensors.some((tensor) => tensor.name === gradient));
  if (missing) throw new Error(`${kernel.name}: the adjoint contributes nothing to ${missing.input.name}`);
  return { plan, values, outputs, seeds, gradients };
}

function seedOutputs(
  check: Check,
  outputs: readonly Tensor[],
  declare: (kind: 'input', name: string, input: CheckedInput, index: number) => Tensor,
): { output: Tensor; gradient: Tensor }[] {
  const carries = (output: Tensor, index: number) =>
    output.dtype === 'f32' && (check.gradientOutputs?.includes(index) ?? true);
  return outputs.filter(carries).map((output, index) => ({
    output,
    gradient: declare('input', `seed of ${output.name}`, { shape: output.shape }, 200 + index),
  }));
}

async function checkDevice(
  device: Device,
  check: Check,
  { plan, values, outputs, gradients }: CheckedProgram,
  reference: ReadonlyMap<string, View>,
): Promise<void> {
  const program = await device.compile(plan);
  const names = [...outputs.map((output) => output.name), ...gradients.map(({ gradient }) => gradient)];
  for (const name of names) program.write(name, poison(reference.get(name)!));
  for (const [name, data] of Object.entries(values)) program.write(name, data);
  await program.run();
  for (const name of names) {
    const where = `${check.kernel.name} on ${device.info.adapter}, ${name}`;
    expectClose(await program.read(name), reference.get(name)!, check.tolerance ?? 1e-5, where);
  }
  program.destroy();
}

/** Compares the adjoint with (f(x + h) - f(x - h)) / 2h of f = sum of outputs * seeds, at up to 32 elements an input. */
function checkFiniteDifferences(check: Check, { plan, values, seeds, gradients }: CheckedProgram): void {
  const objective = (changed: Record<string, ArrayLike<number>>): number => {
    const tensors = interpret(plan, { ...values, ...changed }, 'f64', 1); // the op itself is the first
    const dot = ({ output, gradient }: (typeof seeds)[number]) => {
      const [values, weights] = [tensors.get(output.name)!, tensors.get(gradient.name)!];
      return Array.from(values).reduce((sum, value, i) => sum + value * weights[i]!, 0);
    };
    return seeds.reduce((sum, seed) => sum + dot(seed), 0);
  };
  const adjoint = interpret(plan, values, 'f64');
  const h = 1e-5;
  for (const { input, gradient } of gradients) {
    const picked = pickElements(elementsOf(input.shape), 32);
    const slope = (element: number): number => {
      const at = (value: number) => Array.from(values[input.name]!).with(element, value);
      const x = values[input.name]![element]!;
      return (objective({ [input.name]: at(x + h) }) - objective({ [input.name]: at(x - h) })) / (2 * h);
    };
    const ours = picked.map((element) => adjoint.get(gradient)![element]!);
    const tolerance = check.gradientTolerance ?? 1e-6;
    expectClose(ours, picked.map(slope), tolerance, `${check.kernel.name}, ${gradient} against finite differences`);
  }
}

function pickElements(elements: number, most: number): number[] {
  if (elements <= most) return Array.from({ length: elements }, (_, i) => i);
  const random = createRandom(elements);
  return Array.from({ length: most }, () => random.below(elements));
}

/** Throws unless ||actual - expected|| <= tolerance * ||expected||. Two zero vectors are close; a NaN is close to nothing. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  where: string,
): void {
  const distance = relativeDistance(actual, expected);
  if (distance <= tolerance) return;
  const first = Array.from(actual).findIndex(
    (value, i) => !(Math.abs(value - expected[i]!) <= tolerance * 10 * (1 + Math.abs(expected[i]!))),
  );
  const detail = first < 0 ? '' : `; first at [${first}]: ${actual[first]} instead of ${expected[first]}`;
  throw new Error(`${where}: distance ${distance.toExponential(2)}, allowed ${tolerance}${detail}`);
}

/** ||actual - expected|| / ||expected||, Infinity for different lengths. */
export function relativeDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** Normal numbers from a seed, or the given data. */
function randomData({ shape, dtype, data, below }: CheckedInput, seed: number): View {
  const elements = elementsOf(shape);
  const random = createRandom(seed);
  const draw = () => (dtype === 'u32' ? random.below(below ?? 2) : random.normal());
  const View = dtype === 'u32' ? Uint32Array : Float32Array;
  return View.from(data ?? Array.from({ length: elements }, draw));
}

function poison(like: View): View {
  return like instanceof Uint32Array
    ? new Uint32Array(like.length).fill(0xdeadbeef)
    : new Float32Array(like.length).fill(NaN);
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`);
}
