// Products that end in a SwiGLU or in its slopes where their own kernel does not know of it: with dispatches, or passes, of their own.

import { swiglu, swigluGradient } from '../elementwise/swiglu.ts';
import { swigluGradientReference } from '../elementwise/swiglu.reference.ts';
import { InnerOps } from '../plan/inner.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import type { Wasm } from '../wasm/wasm.ts';
import { epilogueOf } from './epilogue.ts';
import { productOf } from './product.ts';

type List = (op: Op, traits: DeviceTraits, scratch: Parameters<Kernel['dispatches']>[2]) => Dispatch[];

/** @param list lists a product that ends in neither */
export function listGated(op: Op, list: List, ...[traits, scratch]: [DeviceTraits, Parameters<List>[2]]): Dispatch[] {
  const { extra, extraIs } = epilogueOf(op, op.inputs);
  const { m, n } = productOf(op);
  const inner = new InnerOps(traits, scratch);
  const product = extraIs === 'gates' ? inner.scratch('gated', [m, n]) : op.outputs[0]!;
  inner.add(...list(plainOf(op, product), traits, (name, elements) => inner.scratch(name, [elements])));
  if (extraIs === 'gates') inner.list(swigluGradient, [extra!, product], op.outputs);
  else inner.list(swiglu, [product], op.outputs.slice(1));
  return inner.dispatches;
}

function plainOf(op: Op, product: Tensor): Op {
  const { extra: gates, second: _, ...attributes } = op.attributes;
  return { ...op, inputs: gates === undefined ? op.inputs : op.inputs.slice(0, -1), outputs: [product], attributes };
}

/**
 * On the CPU backend, the slopes of SwiGLU(x [M, 2 N]) times the first M N elements of `c` [M, 2 N], in place of all of it: from the
 * last row on, so that nothing is written before it is read.
 */
export function multiplySlopes(x: View, c: View, op: Op, wasm: Wasm): void {
  const { m, n } = productOf(op);
  if (n % 4 > 0)
    return swigluGradientReference([x, c.slice(0, m * n)], [c], { inputs: [epilogueOf(op, op.inputs).extra!] });
  for (let at = 4 * n * (m - 1); at >= 0; at -= 4 * n)
    wasm.rows.swiglu_gradient_row(x.byteOffset + 2 * at, c.byteOffset + at, c.byteOffset + 2 * at, n);
}
