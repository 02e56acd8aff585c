// Decides which tensors of a plan a device stores as f16: every activation, and every gradient of one, that each dispatch which reads
// or writes it can have so. What a dispatch can have is said by its WGSL alone (`alias NAME = f32;`, see scripts/wgsl.mjs), so that
// no kernel lists it twice: the residual stream, statistics, logits and losses stay f32 because those who read them know nothing else.

import { listPlan } from './dispatches.ts';
import type { Binding, DeviceTraits, Tensor } from './op.ts';
import type { Plan } from './plan.ts';

/** What a program of a precision may know of a device: f16 counts on GPUs that have shader-f16. */
export function traitsOf(precision: 'f32' | 'f16', traits: DeviceTraits): DeviceTraits {
  if (precision === 'f32' || traits.isCpu || !traits.features.has('shader-f16')) return traits;
  return { ...traits, halfProducts: traits.subgroupMatrices ? 'matrices' : 'plain' };
}

/** The same plan over tensors of which some are f16. Temporaries that a caller reads stay f32. */
export function storeHalves(plan: Plan, traits: DeviceTraits): Plan {
  const candidates = new Set(plan.tensors.filter((tensor) => isCandidate(tensor, plan)));
  for (const { dispatches } of listPlan(plan, traits))
    for (const binding of dispatches.flatMap(({ bindings }) => bindings))
      if (!canBeHalf(binding)) candidates.delete(binding.tensor);
  const stored = new Map(plan.tensors.map((tensor) => [tensor, candidates.has(tensor) ? asHalf(tensor) : tensor]));
  const rewire = (tensors: readonly Tensor[]) => tensors.map((tensor) => stored.get(tensor)!);
  const ops = plan.ops.map((op) => ({ ...op, inputs: rewire(op.inputs), outputs: rewire(op.outputs) }));
  return { ...plan, ops, tensors: rewire(plan.tensors) };
}

function isCandidate({ kind, dtype, name }: Tensor, { readable }: Plan): boolean {
  return kind !== undefined && dtype === 'f32' && !readable.has(name);
}

/** A range begins at a multiple of 256 bytes. */
function canBeHalf({ tensor, half, range }: Binding): boolean {
  const isAligned = (range?.first ?? 0) % 128 === 0;
  return isAligned && (tensor.kind === 'gradient' ? half === 'activations and gradients' : half !== undefined);
}

function asHalf(tensor: Tensor): Tensor {
  return { ...tensor, dtype: 'f16' };
}
