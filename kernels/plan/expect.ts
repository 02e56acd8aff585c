// Shape checks for Kernel.infer: one wording for every family.

import { LoomError } from '../../shared/errors.ts';
import type { DType, Tensor } from './op.ts';

/** Throws LoomError `internal`, naming the kernel and the tensor, unless `tensor` is of this type and shape. */
export function expectTensor(
  kernel: string,
  tensor: Tensor | undefined,
  shape: readonly number[],
  dtype: DType = 'f32',
): void {
  const wanted = `${dtype}[${shape.join(', ')}]`;
  const given = tensor ? `${tensor.dtype}[${tensor.shape.join(', ')}]` : 'nothing';
  if (given === wanted) return;
  throw new LoomError('internal', `${kernel}: ${tensor?.name ?? 'an input'} is ${given}`, { allowed: wanted });
}

/** The two sizes of a matrix. Throws LoomError `internal` for any other tensor. */
export function expectMatrix(kernel: string, tensor: Tensor | undefined): readonly [rows: number, width: number] {
  const [rows, width, ...rest] = tensor?.shape ?? [];
  if (rows !== undefined && width !== undefined && rest.length === 0) return [rows, width];
  const given = tensor ? `${tensor.name} [${tensor.shape.join(', ')}]` : 'a missing input';
  throw new LoomError('internal', `${kernel}: ${given} is not a matrix`);
}

/** Throws LoomError `internal` unless an attribute or size makes sense. */
export function expect(kernel: string, holds: boolean, otherwise: string): void {
  if (!holds) throw new LoomError('internal', `${kernel}: ${otherwise}`);
}
