import type { Tensor } from './op.ts';

/** A temporary of a device, that no plan knows. */
export function scratchTensor(name: string, shape: readonly number[]): Tensor {
  return { id: -1, name, shape, dtype: 'f32', role: 'temporary', offset: 0 };
}
