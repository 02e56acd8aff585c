// Dropout in a training plan: each place it is listed at has masks of its own, and each run a seed.

import type { Program } from '../../../kernels/device/device.ts';
import { dropout } from '../../../kernels/dropout/dropout.ts';
import type { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Tensor } from '../../../kernels/plan/op.ts';
import type { Random } from '../../../shared/random.ts';

const seedName = 'dropout.seed';

/** What lists dropout at one place after the other. */
export function listDropout(builder: PlanBuilder, rate: number): (x: Tensor) => Tensor {
  const seed = builder.input(seedName, [1], 'u32');
  let site = 0;
  return (x) => builder.op(dropout, [x, seed], { rate, site: site++ })[0];
}

/** Draws the masks of a program's next run. */
export function writeDropoutSeed(program: Program, random: Random): void {
  program.write(seedName, Uint32Array.of(random.uint32()));
}
