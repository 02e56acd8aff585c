// Decides which temporaries share storage: two may when no step uses both and their lives do not overlap. Sizes are
// bytes. Every slot becomes a buffer of its own, because WebGPU forbids one buffer bound for reading and for writing in
// one dispatch, whatever the ranges.

import type { Tensor } from './op.ts';
import { bytesOf, elementsOf } from './op.ts';

export interface MemoryPlan {
  readonly slots: readonly number[]; // bytes of each slot
  readonly slotOf: ReadonlyMap<Tensor, number>;
}

/**
 * Assigns a slot to every tensor.
 * @param steps the tensors each step touches, in order of execution; a tensor lives from its first step to its last
 * @param kept tensors that must keep their content after the last step: each gets a slot of its own
 * @param reuse false: every tensor gets a slot of its own
 */
export function planMemory(
  steps: readonly (readonly Tensor[])[],
  kept: (tensor: Tensor) => boolean,
  reuse = true,
): MemoryPlan {
  const slots: number[] = [];
  const slotOf = new Map<Tensor, number>();
  const lastStep = new Map<Tensor, number>();
  for (const [index, step] of steps.entries()) for (const tensor of step) lastStep.set(tensor, index);
  const free: number[] = [];
  for (const [index, step] of steps.entries()) {
    for (const tensor of step)
      if (!slotOf.has(tensor))
        slotOf.set(tensor, takeSlot(bytesOf(tensor, elementsOf(tensor.shape)), slots, kept(tensor) ? [] : free));
    if (!reuse) continue;
    for (const tensor of new Set(step))
      if (lastStep.get(tensor) === index && !kept(tensor)) free.push(slotOf.get(tensor)!);
  }
  return { slots, slotOf };
}

/** The smallest free slot that fits, else the largest one made larger, else a new one. */
function takeSlot(bytes: number, slots: number[], free: number[]): number {
  let best = -1;
  for (const [index, slot] of free.entries())
    if (best < 0 || isBetter(slots[slot]!, slots[free[best]!]!, bytes)) best = index;
  if (best < 0) return slots.push(bytes) - 1;
  const [slot] = free.splice(best, 1);
  slots[slot!] = Math.max(slots[slot!]!, bytes);
  return slot!;
}

function isBetter(candidate: number, current: number, bytes: number): boolean {
  const fits = candidate >= bytes;
  if (fits !== current >= bytes) return fits;
  return fits ? candidate < current : candidate > current;
}
