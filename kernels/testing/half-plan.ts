// A plan as a GPU with shader-f16 runs it when it is compiled with `precision: f16`, for the references.

import type { Device } from '../device/device.ts';
import { inHalf } from '../matmul/half.reference.ts';
import { storeHalves, traitsOf } from '../plan/halves.ts';
import type { DeviceTraits } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';

/** Any GPU with the least limits. */
export const plainGpu: DeviceTraits = {
  isCpu: false,
  maxBindingBytes: 2 ** 27,
  maxWorkgroups: 65535,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  features: new Set(),
};

/** The same with shader-f16, without subgroup matrices; and for a program in f16. */
export const gpuWithHalves: DeviceTraits = { ...plainGpu, features: new Set(['shader-f16']) };
export const halfGpu = traitsOf('f16', gpuWithHalves);

/** The plan whose references round what is stored as f16, and on subgroup matrices the operands of products. */
export function halfPlan(plan: Plan, products: 'plain' | 'matrices' = 'plain'): Plan {
  const stored = storeHalves(plan, halfGpu);
  return products === 'matrices' ? inHalf(stored) : stored;
}

/** As `halfPlan`, for what a device has. */
export function halfPlanOn({ tuning }: Device, plan: Plan): Plan {
  return halfPlan(plan, tuning?.traits.subgroupMatrices ? 'matrices' : 'plain');
}
