// Lays a plan out on a GPU device: its dispatches, a buffer for every tensor (temporaries share), pipelines, bind groups.
// Everything a run needs is made here, so that a run creates nothing.

import { LoomError } from '../../shared/errors.ts';
import { listPlan } from '../plan/dispatches.ts';
import type { Binding, Dispatch, Tensor } from '../plan/op.ts';
import { bytesOf, elementsOf } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import type { Counters } from './device.ts';
import { checkShared } from './storage.ts';
import type { Place } from './webgpu-buffers.ts';
import { Buffers } from './webgpu-buffers.ts';
import type { GpuContext } from './webgpu-context.ts';
import { guarded } from './webgpu-errors.ts';
import type { Pipeline } from './webgpu-pipelines.ts';

export interface EncodedDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

export interface Layout {
  readonly places: ReadonlyMap<Tensor, Place>;
  readonly dispatches: readonly EncodedDispatch[];
  /** Buffers that programs share: 'parameters', and the states by name. */
  readonly persistent: ReadonlyMap<string, GPUBuffer>;
  /** Buffers to destroy with this program. */
  readonly owned: readonly GPUBuffer[];
  readonly counters: Counters;
}

/** Throws LoomError `no_backend` when the plan does not fit the device, `internal` when the device finds it wrong. */
export async function layOutPlan(
  context: GpuContext,
  plan: Plan,
  base: { readonly plan: Plan; readonly layout: Layout } | undefined,
  reuseMemory: boolean,
): Promise<Layout> {
  if (base) checkShared(base.plan, plan);
  const listed = listPlan(plan, context.traits);
  const dispatches = listed.flatMap((op) => op.dispatches);
  for (const dispatch of dispatches) checkLimits(dispatch, context);
  const buffers = new Buffers(context.gpu, base?.layout.persistent ?? new Map());
  try {
    const steps = listed.map((op) => op.temporaries);
    await guarded(context.gpu, () => buffers.place(plan, steps, reuseMemory));
    const encoded = await encodeAll(dispatches, buffers.places, context);
    buffers.counters.bindGroupsCreated = encoded.length;
    return { ...buffers, dispatches: encoded };
  } catch (error) {
    buffers.destroy();
    throw error;
  }
}

/** Pipelines, compiled side by side, and bind groups. */
async function encodeAll(dispatches: readonly Dispatch[], places: Buffers['places'], { gpu, pipelines }: GpuContext) {
  const ready = await Promise.all(dispatches.map((dispatch) => pipelines.get(dispatch)));
  return guarded(gpu, () => ready.map((pipeline, index) => encode(gpu, pipeline, dispatches[index]!, places)));
}

function checkLimits(dispatch: Dispatch, { traits }: GpuContext): void {
  const { label, bindings, workgroups } = dispatch;
  const large = bindings.find(
    ({ tensor, range }) => bytesOf(tensor, range?.elements ?? elementsOf(tensor.shape)) > traits.maxBindingBytes,
  );
  if (large) {
    const message = `${label} binds ${large.tensor.name} [${large.tensor.shape.join(', ')}], too large for this GPU`;
    throw new LoomError('no_backend', message, { allowed: `${traits.maxBindingBytes} bytes` });
  }
  if (Math.max(...workgroups) > traits.maxWorkgroups) {
    throw new LoomError('no_backend', `${label} needs [${workgroups.join(', ')}] workgroups`, {
      allowed: `${traits.maxWorkgroups}`,
    });
  }
}

function encode(
  gpu: GPUDevice,
  { pipeline, layout }: Pipeline,
  dispatch: Dispatch,
  places: Buffers['places'],
): EncodedDispatch {
  const { label, bindings, workgroups } = dispatch;
  const entries = bindings.map((binding) => ({ binding: binding.number, resource: resourceOf(binding, places) }));
  return { pipeline, bindGroup: gpu.createBindGroup({ label, layout, entries }), workgroups };
}

function resourceOf({ tensor, range }: Binding, places: ReadonlyMap<Tensor, Place>): GPUBufferBinding {
  const place = places.get(tensor);
  if (!place) throw new LoomError('internal', `${tensor.name} has no storage: it is not an input or output of its op`);
  if (!range) return place;
  const { first, elements } = range;
  return { buffer: place.buffer, offset: place.offset + bytesOf(tensor, first), size: bytesOf(tensor, elements) };
}
