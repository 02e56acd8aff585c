// What the backends share about a plan's storage: finding a tensor by name and checking what is written to it.

import { LoomError } from '../../shared/errors.ts';
import type { Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';

/** The tensor that `Program.write` and `Program.read` may touch under this name. Throws LoomError `internal` for others. */
export function findTensor(plan: Plan, name: string): Tensor {
  const tensor = plan.tensors.find((candidate) => candidate.name === name);
  if (!tensor) throw new LoomError('internal', `the plan has no tensor ${name}`);
  if (tensor.role === 'temporary' && !plan.readable.has(name))
    throw new LoomError('internal', `${name} is not readable`);
  return tensor;
}

/** Checks type and element count of data for a tensor; what is stored as f16 is written as f32. */
export function checkData(tensor: Tensor, data: View): void {
  const dtype = data instanceof Uint32Array ? 'u32' : 'f32';
  if (dtype === (tensor.dtype === 'u32' ? 'u32' : 'f32') && data.length === elementsOf(tensor.shape)) return;
  throw new LoomError(
    'internal',
    `${tensor.name} is ${tensor.dtype}[${tensor.shape.join(', ')}], not ${data.length} elements of ${dtype}`,
  );
}

/** Checks that two plans lay out the same parameters, so that they can share them. */
export function checkShared(base: Plan, plan: Plan): void {
  const layout = ({ parameters }: Plan) =>
    parameters.map(({ name, offset, elements }) => `${name} ${offset} ${elements}`).join('\n');
  if (layout(base) !== layout(plan))
    throw new LoomError('internal', 'plans with different parameters cannot share them');
}
