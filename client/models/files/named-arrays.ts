// Between the flat vector that a plan computes on and the named arrays that a model file holds.

import type { Plan } from '../../../kernels/plan/plan.ts';
import { allFinite } from '../../../shared/aggregation/vectors.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { NamedArray } from './safetensors.ts';

/** Views of `flat`, one a parameter, in the plan's order; the padding between them is left out. */
export function toNamedArrays({ parameters }: Plan, flat: Float32Array, prefix = ''): NamedArray[] {
  return parameters.map(({ name, shape, offset, elements }) => ({
    name: prefix + name,
    shape,
    data: flat.subarray(offset, offset + elements),
  }));
}

/**
 * The flat vector of these arrays, which must be the plan's parameters exactly, in any order.
 * @throws LoomError `invalid_frame` naming the first array that is missing, unknown, misshapen or not finite
 */
export function fromNamedArrays(plan: Plan, arrays: readonly NamedArray[]): Float32Array<ArrayBuffer> {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  const flat = new Float32Array(plan.parameterCount);
  for (const { name, shape, offset } of plan.parameters) {
    const array = byName.get(name);
    if (!array) throw unfit(`${name} is missing`);
    if (array.shape.join() !== shape.join())
      throw unfit(`${name} is [${array.shape.join(', ')}]`, `[${shape.join(', ')}]`);
    if (!allFinite(array.data)) throw unfit(`${name} is not finite`);
    flat.set(array.data, offset);
    byName.delete(name);
  }
  for (const name of byName.keys()) throw unfit(`${name} is no parameter of this model`);
  return flat;
}

function unfit(message: string, allowed?: string): LoomError {
  return new LoomError('invalid_frame', message, { where: 'safetensors', ...(allowed !== undefined && { allowed }) });
}
