// What becomes of one element that is not finite: on every device exactly those outputs are not finite that are not in the references,
// run op by op. WGSL promises nothing here (a shader may assume that there are neither NaNs nor infinities, and `min`, `max` and
// `clamp` of a NaN may be either operand), so that only a test says what an adapter does.

import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { expectClose } from './check.ts';
import { halfDevices, testDevices } from './devices.ts';
import { halfPlan } from './half-plan.ts';
import { interpret } from './interpret.ts';

export interface SpoiledCase {
  /** Lists ops over inputs, parameters and states; readable temporaries and all that outlives a run are compared. */
  readonly list: (builder: PlanBuilder) => void;
  /** What tensors hold, by name; normal numbers without. All integers must be given. */
  readonly data?: Readonly<Record<string, View>>;
  /** The tensors of which an element is spoiled; default: all f32 that a caller writes. */
  readonly spoiled?: readonly string[];
  /**
   * Equal parts of each output that its length is a multiple of, else it is one part: each has to be finite where it is in the
   * references, and not finite somewhere where it is not. Default: each element is a part.
   */
  readonly parts?: number;
  /** f16: on devices with shader-f16, as GPUs, with references of the fused ops. Default f32, on every device. */
  readonly precision?: 'f32' | 'f16';
  /** A kernel that the finished plan must have, so that a case cannot miss its fused path. */
  readonly kernel: string;
}

const spoilers = [NaN, Infinity, -Infinity, 0];
/** An infinity becomes the largest f16, of which an exponential may leave a remainder where the reference has zero. */
const halfSpoilers = [NaN, 0];

/** Spoils the middle element of one tensor after the other with each of `spoilers`; throws where a device and the references differ. */
export async function checkSpoiled(check: SpoiledCase): Promise<void> {
  const { precision = 'f32' } = check;
  const plan = planOf(check, true);
  const listed = precision === 'f16' ? halfPlan(plan) : planOf(check, false); // what is stored is rounded: fused, that is less
  const kernels = plan.ops.map(({ kernel }) => kernel.name);
  if (!kernels.includes(check.kernel)) throw new Error(`${kernels.join(', ')}: no ${check.kernel}`);
  const compared = comparedOf(plan);
  const runs = spoiledValues(check, plan).map((run) => ({ ...run, wanted: interpret(listed, run.values) }));
  for (const { what, spoiler, wanted } of runs)
    if (Number.isNaN(spoiler) && compared.every((name) => wanted.get(name)!.every(Number.isFinite)))
      throw new Error(`nothing depends on ${what}`);
  for (const device of await (precision === 'f16' ? halfDevices() : testDevices())) {
    const program = await device.compile(plan, { precision });
    for (const { what, values, wanted } of runs) {
      if (plan.parameterCount > 0) program.writeParameters(new Float32Array(plan.parameterCount)); // gaps between them too
      for (const [name, data] of Object.entries(values)) program.write(name, data);
      await program.run();
      for (const name of compared)
        compare(await program.read(name), wanted.get(name)!, `${name} on ${device.info.adapter}, ${what}`, check);
    }
    program.destroy();
  }
}

function planOf({ list }: SpoiledCase, fuse: boolean): Plan {
  const builder = new PlanBuilder();
  list(builder);
  return builder.finish({ fuse });
}

function compare(actual: View, wanted: View, where: string, check: SpoiledCase): void {
  const { parts = wanted.length, precision } = check;
  const length = wanted.length % parts === 0 ? wanted.length / parts : wanted.length;
  const pairs: [number, number][] = []; // of finite parts
  for (let at = 0; at < wanted.length; at += length) {
    const [ours, theirs] = [actual.subarray(at, at + length), wanted.subarray(at, at + length)];
    const isFinite = ours.every(Number.isFinite);
    if (isFinite !== theirs.every(Number.isFinite))
      throw new Error(`${where}, from [${at}]: ${ours.join(', ')} instead of ${theirs.join(', ')}`);
    if (isFinite) theirs.forEach((value, i) => pairs.push([ours[i]!, value]));
  }
  const [ours, theirs] = [pairs.map(([value]) => value), pairs.map(([, value]) => value)];
  expectClose(ours, theirs, precision === 'f16' ? 1e-2 : 1e-5, where);
}

/** The readable temporaries, and what ops leave in states, parameters and gradients. */
function comparedOf({ ops, readable }: Plan): string[] {
  const outputs = ops.flatMap((op) => op.outputs);
  return [
    ...new Set(outputs.filter(({ role, name }) => role !== 'temporary' || readable.has(name)).map((t) => t.name)),
  ];
}

/** One run for each spoiled tensor and spoiler. */
function spoiledValues({ data = {}, spoiled, precision }: SpoiledCase, plan: Plan) {
  const written = plan.tensors.filter((tensor) => isGiven(tensor, plan));
  const values = Object.fromEntries(written.map((tensor) => [tensor.name, data[tensor.name] ?? normals(tensor)]));
  const names = spoiled ?? written.filter(({ dtype }) => dtype === 'f32').map(({ name }) => name);
  return names.flatMap((name) =>
    (precision === 'f16' ? halfSpoilers : spoilers).map((spoiler) => {
      const at = Math.floor(values[name]!.length / 2);
      const what = `${spoiler} at ${name}[${at}]`;
      return { what, spoiler, values: { ...values, [name]: (values[name] as Float32Array).with(at, spoiler) } };
    }),
  );
}

/** Inputs, states and single parameters; the gradients where an optimizer reads what no op writes. */
function isGiven({ role, name }: Tensor, { ops }: Plan): boolean {
  if (name === 'parameters') return false;
  if (name === 'gradients') return !ops.some(({ outputs }) => outputs.some((output) => output.role === 'gradient'));
  return role === 'input' || role === 'state' || role === 'parameter';
}

function normals({ id, shape }: Tensor): Float32Array {
  const random = createRandom(id + 1);
  return Float32Array.from({ length: elementsOf(shape) }, () => random.normal());
}
