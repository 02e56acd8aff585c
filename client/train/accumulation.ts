// Gradient accumulation: batches that fit a device one at a time make one step together. All but the last add their gradients to
// a sum kept between runs; the last takes the mean before its optimizer.

import type { Program } from '../../kernels/device/device.ts';
import { blend } from '../../kernels/elementwise/blend.ts';
import type { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Tensor } from '../../kernels/plan/op.ts';

/** Lists, after `builder.backward`, that the gradients are added to the sum. */
export function listAdding(builder: PlanBuilder): void {
  const { sums, weights } = declare(builder);
  builder.update(blend, [builder.gradients(), weights], [sums]);
}

/** Lists, between `builder.backward` and the optimizer, that the gradients become the mean of all batches. */
export function listMean(builder: PlanBuilder): void {
  const { sums, weights } = declare(builder);
  builder.update(blend, [sums, weights], [builder.gradients()]);
}

/** Tells a program listed with either which batch of a step comes next: 0 .. batches - 1. */
export function writeBatchNumber(program: Program, number: number, batches: number): void {
  const share = 1 / batches;
  const isLast = number === batches - 1;
  program.write(weightsName, isLast ? Float32Array.of(share, share) : Float32Array.of(number === 0 ? 0 : 1, 1));
}

const weightsName = 'accumulation.weights';

function declare(builder: PlanBuilder): { sums: Tensor; weights: Tensor } {
  const sums = builder.state('accumulation.sums', builder.gradients().shape);
  return { sums, weights: builder.input(weightsName, [2]) };
}
