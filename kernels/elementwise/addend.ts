// How kernels take over a sum of what they write with something else: a residual, or another contribution to a gradient.

import type { Op, Tensor } from '../plan/op.ts';
import { sum } from './sum.ts';

/**
 * What `next` adds to the first output of `op`, when it is a sum of two and nothing else needs that output; else null.
 * The caller writes `next`'s output instead.
 */
export function addendOf(op: Op, next: Op, isNeeded: (tensor: Tensor) => boolean): Tensor | null {
  const own = op.outputs[0]!;
  if (next.kernel !== sum || next.inputs.length !== 2 || isNeeded(own)) return null;
  const others = next.inputs.filter((input) => input !== own);
  return others.length === 1 ? others[0]! : null;
}

/** `op` with the addend as its last input, writing the sum instead of its own first output. */
export function withAddend(op: Op, addend: Tensor, next: Op): Op {
  return { ...op, inputs: [...op.inputs, addend], outputs: [next.outputs[0]!, ...op.outputs.slice(1)] };
}
