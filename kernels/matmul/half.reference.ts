// Products on subgroup matrices as plain TypeScript: operands are rounded as tile-matrices.wgsl rounds them, everything else is as it was.

import { gradientScale, roundHalf } from '../plan/half.ts';
import type { Op, View } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { constantsOf } from './constants.ts';
import { hasFewRows } from './gemv.ts';
import { productOf } from './product.ts';

/** What the operands of a product are multiplied by before they are rounded. */
export function scalesOf({ attributes }: Pick<Op, 'attributes'>): { a: number; b: number } {
  const scaleOf = (operand: 'a' | 'b') => (attributes['gradient'] === operand ? gradientScale : 1);
  return { a: scaleOf('a'), b: scaleOf('b') };
}

/** The plan whose references round the operands of products, as a device with subgroup matrices does. */
export function inHalf(plan: Plan): Plan {
  return { ...plan, ops: plan.ops.map((op) => ({ ...op, attributes: { ...op.attributes, half: true } })) };
}

/** A and B of a product, rounded where its op says so; a product with few rows is a GEMV, which rounds nothing. */
export function operandsOf([a, b]: readonly View[], op: Op): [a: View, b: View] {
  const product = productOf(op);
  if (op.attributes['half'] !== true || hasFewRows(product, constantsOf(op, product))) return [a!, b!];
  const scales = scalesOf(op);
  return [a!.map((x) => roundHalf(x, scales.a)), b!.map((x) => roundHalf(x, scales.b))] as [View, View];
}
