// What a product does besides A B on its way out. Listed plans have at most a bias; the others come from fusing ops, so that they
// have no adjoint: adjoints are listed before.

import { addendOf } from '../elementwise/addend.ts';
import { gelu, geluGradient } from '../elementwise/gelu.ts';
import { swiglu, swigluGradient } from '../elementwise/swiglu.ts';
import type { Op, Tensor } from '../plan/op.ts';
import { columnSum } from './column-sum.ts';

/** What inputs beyond A and B mean, and what a second output is. The attributes `extra` and `second` say so. */
export interface Epilogue<T> {
  readonly bias: T | undefined; // [N], added to each row
  readonly extra: T | undefined; // [.., M, N], or [M, 2 N]
  /**
   * add: C + extra. slope: C GELU'(extra), before anything is added. gates: C is the gradient by SwiGLU(extra), and what is written
   * that by extra [M, 2 N].
   */
  readonly extraIs: 'add' | 'slope' | 'gates' | undefined;
  /** gelu: GELU(C). swiglu: SwiGLU(C), [M, N / 2]. columnSum: the sum of B over its rows, [N]. */
  readonly secondIs: 'gelu' | 'swiglu' | 'columnSum' | undefined;
}

/** @param inputs the op's, as tensors or as views of them */
export function epilogueOf<T>({ attributes }: Pick<Op, 'attributes'>, inputs: readonly T[]): Epilogue<T> {
  const extraIs = attributes['extra'] as Epilogue<T>['extraIs'];
  const secondIs = attributes['second'] as Epilogue<T>['secondIs'];
  const extra = extraIs && inputs.at(-1);
  const bias = inputs.length > (extraIs ? 3 : 2) ? inputs[2] : undefined;
  return { bias, extra, extraIs, secondIs };
}

/** `Kernel.fuse` of products: a residual, a GELU or SwiGLU, the slope of one, the gradient of a bias. */
export function fuseProduct(op: Op, next: Op, isNeeded: (tensor: Tensor) => boolean): Op | null {
  const { extraIs, secondIs } = epilogueOf(op, op.inputs);
  const product = op.outputs[0]!;
  if (secondIs === undefined && extraIs === undefined) {
    const addend = addendOf(op, next, isNeeded);
    if (addend) return withExtra(op, 'add', addend, next);
    const [x, gradient] = next.inputs as [Tensor, Tensor?];
    const ending = next.kernel === geluGradient ? 'slope' : next.kernel === swigluGradient ? 'gates' : null;
    if (ending && gradient === product && x !== product && !isNeeded(product)) return withExtra(op, ending, x, next);
  }
  if (secondIs !== undefined) return null;
  if (next.kernel === gelu && next.inputs[0] === product) return withSecond(op, 'gelu', next);
  if (next.kernel === swiglu && next.inputs[0] === product && op.attributes['layout'] === 'nt')
    return extraIs === undefined ? withSecond(op, 'swiglu', next) : null;
  if (next.kernel === columnSum && op.attributes['layout'] === 'tn' && next.inputs[0] === op.inputs[1])
    return withSecond(op, 'columnSum', next);
  return null;
}

function withExtra(op: Op, extra: 'add' | 'slope' | 'gates', tensor: Tensor, next: Op): Op {
  return { ...op, inputs: [...op.inputs, tensor], outputs: next.outputs, attributes: { ...op.attributes, extra } };
}

function withSecond(op: Op, second: 'gelu' | 'swiglu' | 'columnSum', next: Op): Op {
  const outputs = [op.outputs[0]!, next.outputs[0]!];
  return { ...op, outputs, attributes: { ...op.attributes, second } };
}
