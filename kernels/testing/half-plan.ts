// A plan as a GPU with shader-f16 runs it when it is compiled with `precision: f16`, for the references.

import { inHalf } from '../matmul/half.reference.ts';
import { storeHalves } from '../plan/halves.ts';
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

/** The plan whose references round the operands of products, and what is stored as f16. */
export function halfPlan(plan: Plan): Plan {
  return inHalf(storeHalves(plan, { ...plainGpu, halfProducts: 'plain' }));
}
