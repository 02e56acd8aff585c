// Gradient accumulation: batches that fit a device one at a time make one step together. All but the last add their gradients to
// a sum kept between runs; the last takes the mean before its optimizer.

import type { Program } from '../../../kernels/device/device.ts';
import { blend } from '../../../kernels/elementwise/blend.ts';
import type { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Tensor } from '../../../kernels/plan/op.ts';

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

/** The mean gradient of all batches, where nothing but `listAdding` was listed and each was announced by `writeShare`. */
export const sumsName = 'accumulation.sums';

/** Tells a program listed with `listAdding` alone that the next batch is one of so many: 0 .. batches - 1. */
export function writeShare(program: Program, number: number, batches: number): void {
  program.write(weightsName, Float32Array.of(number === 0 ? 0 : 1, 1 / batches));
}

/** Tells a program listed with either which batch of a step comes next: 0 .. batches - 1. */
export function writeBatchNumber(program: Program, number: number, batches: number): void {
  const share = 1 / batches;
  const isLast = number === batches - 1;
  program.write(weightsName, isLast ? Float32Array.of(share, share) : Float32Array.of(number === 0 ? 0 : 1, 1));
}

const weightsName = 'accumulation.weights';

function declare(builder: PlanBuilder): { sums: Tensor; weights: Tensor } {
  const sums = builder.state(sumsName, builder.gradients().shape);
  return { sums, weights: builder.input(weightsName, [2]) };
}
