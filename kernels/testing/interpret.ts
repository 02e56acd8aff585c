// Runs a plan with the references only, every tensor in storage of its own: what the backends are compared with. In float64
// it is exact enough for finite differences.

import { roundStored } from '../plan/half.ts';
import type { Op, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';

export type Values = Record<string, ArrayLike<number>>;

/**
 * Runs a plan once and returns every tensor's content by name.
 * @param values of inputs, parameters and states by name; the others begin as zeros
 * @param ops runs only the first so many
 */
export function interpret(
  plan: Plan,
  values: Values,
  precision: 'f32' | 'f64' = 'f32',
  ops = plan.ops.length,
): Map<string, View> {
  const views = allocate(plan, precision);
  for (const { tensor, data } of plan.constants) views.get(tensor.name)!.set(data);
  for (const [name, data] of Object.entries(values)) views.get(name)!.set(data);
  const pick = (tensor: Tensor) => views.get(tensor.name)!;
  for (const op of plan.ops.slice(0, ops)) runReference(op, pick);
  return views;
}

/** Runs the reference of an op over views of its tensors; what is stored as f16 is rounded. */
export function runReference(op: Op, viewOf: (tensor: Tensor) => View): void {
  op.kernel.reference(op.inputs.map(viewOf), op.outputs.map(viewOf), op);
  for (const output of op.outputs) roundStored(viewOf(output), output);
}

/** Storage of every tensor by name. @param parameters the flat vector, if there is one already */
export function allocate(plan: Plan, precision: 'f32' | 'f64', parameters?: Float32Array): Map<string, View> {
  const Float = precision === 'f32' ? Float32Array : Float64Array;
  const flat = { parameter: parameters ?? new Float(plan.parameterCount), gradient: new Float(plan.parameterCount) };
  const view = ({ role, dtype, shape, offset }: Tensor) => {
    const elements = elementsOf(shape);
    if (role === 'parameter' || role === 'gradient') return flat[role].subarray(offset, offset + elements);
    return dtype === 'u32' ? new Uint32Array(elements) : new Float(elements);
  };
  // References only index their views, so that a Float64Array serves where the seam says Float32Array.
  return new Map(plan.tensors.map((tensor) => [tensor.name, view(tensor) as View]));
}
