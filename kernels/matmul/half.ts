// Products in f16: operands are read as they are stored and summed in f32. On subgroup matrices they are rounded first (half.reference.ts).

import type { DeviceTraits, Op } from '../plan/op.ts';
import { scalesOf } from './half.reference.ts';

/** How tiles are multiplied: prelude/tile-registers.wgsl or prelude/tile-matrices.wgsl. */
export function coreOf({ halfProducts }: Pick<DeviceTraits, 'halfProducts'>): 'registers' | 'matrices' {
  return halfProducts === 'matrices' ? 'matrices' : 'registers';
}

/** The factors of a product in a tile. @param op its attribute `gradient` names the operand, a or b, that is one */
export function factorsOf(op: Pick<Op, 'attributes'>): { a_factor: number; b_factor: number } {
  const { a, b } = scalesOf(op);
  return { a_factor: a, b_factor: b };
}
