// Lays a plan out on a GPU device: its dispatches, a buffer for every tensor (temporaries share), pipelines, bind groups.
// Everything a run needs is made here, so that a run creates nothing.

import { LoomError } from '../../shared/errors.ts';
import type { Binding, Dispatch, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { planMemory } from '../plan/memory.ts';
import type { Plan } from '../plan/plan.ts';
import type { Counters } from './device.ts';
import { newCounters } from './device.ts';
import { checkShared } from './storage.ts';
import type { GpuContext } from './webgpu-context.ts';
import { bufferUsage } from './webgpu-flags.ts';
import type { Pipeline } from './webgpu-pipelines.ts';

/** Where a tensor lies. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number; // bytes
  readonly size: number; // bytes
}

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
  const { gpu, pipelines } = context;
  if (base) checkShared(base.plan, plan);
  const listed = plan.ops.map((op) => listDispatches(op, context));
  const dispatches = listed.flatMap((op) => op.dispatches);
  const pipelined = Promise.all(dispatches.map((dispatch) => pipelines.get(dispatch)));
  gpu.pushErrorScope('validation');
  gpu.pushErrorScope('out-of-memory');
  const buffers = new Buffers(context, base?.layout.persistent ?? new Map());
  buffers.placePersistent(plan);
  buffers.placeTemporaries(
    plan,
    listed.map((op) => op.temporaries),
    reuseMemory,
  );
  const memoryError = await gpu.popErrorScope();
  const ready = await pipelined.finally(() => memoryError && buffers.destroy());
  if (!memoryError) for (const dispatch of dispatches) checkLimits(dispatch, context);
  const encoded = memoryError ? [] : ready.map((pipeline, index) => encode(gpu, pipeline, dispatches[index]!, buffers));
  const validationError = await gpu.popErrorScope();
  if (memoryError) throw new LoomError('no_backend', `the program does not fit this GPU: ${memoryError.message}`);
  if (validationError) throw new LoomError('internal', `WebGPU: ${validationError.message}`);
  buffers.counters.bindGroupsCreated = encoded.length;
  return { ...buffers, dispatches: encoded };
}

function listDispatches(op: Op, { traits }: GpuContext): { dispatches: Dispatch[]; temporaries: Tensor[] } {
  const temporaries = [...op.inputs, ...op.outputs].filter((tensor) => tensor.role === 'temporary');
  const scratch = (name: string, elements: number): Tensor => {
    const tensor: Tensor = {
      id: -1,
      name: `${op.kernel.name} ${name}`,
      shape: [elements],
      dtype: 'f32',
      role: 'temporary',
      offset: 0,
    };
    temporaries.push(tensor);
    return tensor;
  };
  return { dispatches: op.kernel.dispatches(op, traits, scratch), temporaries };
}

function checkLimits(dispatch: Dispatch, { traits }: GpuContext): void {
  const { label, bindings, workgroups } = dispatch;
  const large = bindings.find(
    ({ tensor, range }) => (range?.elements ?? elementsOf(tensor.shape)) * 4 > traits.maxBindingBytes,
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
  { places }: Buffers,
): EncodedDispatch {
  const entries = dispatch.bindings.map((binding) => ({
    binding: binding.number,
    resource: resourceOf(binding, places),
  }));
  return {
    pipeline,
    bindGroup: gpu.createBindGroup({ label: dispatch.label, layout, entries }),
    workgroups: dispatch.workgroups,
  };
}

function resourceOf({ tensor, range }: Binding, places: ReadonlyMap<Tensor, Place>): GPUBufferBinding {
  const place = places.get(tensor);
  if (!place) throw new LoomError('internal', `${tensor.name} has no storage: it is not an input or output of its op`);
  return range ? { buffer: place.buffer, offset: place.offset + range.first * 4, size: range.elements * 4 } : place;
}

/** Gives every tensor a place; counts and owns the buffers it makes. */
class Buffers {
  readonly places = new Map<Tensor, Place>();
  readonly persistent: Map<string, GPUBuffer>;
  readonly owned: GPUBuffer[] = [];
  readonly counters = newCounters();
  readonly #gpu: GPUDevice;

  constructor({ gpu }: GpuContext, shared: ReadonlyMap<string, GPUBuffer>) {
    this.#gpu = gpu;
    this.persistent = new Map(shared);
  }

  placePersistent(plan: Plan): void {
    const flat = new Map<string, GPUBuffer>();
    if (plan.parameterCount > 0) flat.set('parameter', this.#shared('parameters', plan.parameterCount));
    if (plan.tensors.some((tensor) => tensor.role === 'gradient')) {
      flat.set('gradient', this.#create('gradients', plan.parameterCount));
    }
    for (const tensor of plan.tensors) {
      const { role, name } = tensor;
      const elements = elementsOf(tensor.shape);
      if (role === 'temporary') continue;
      if (role === 'state') this.#place(tensor, this.#shared(`state ${name}`, elements));
      else this.#place(tensor, flat.get(role) ?? this.#create(name, elements));
    }
    for (const { tensor, data } of plan.constants) {
      this.#gpu.queue.writeBuffer(this.places.get(tensor)!.buffer, 0, data as Float32Array<ArrayBuffer>);
    }
  }

  placeTemporaries(plan: Plan, steps: readonly (readonly Tensor[])[], reuse: boolean): void {
    const { slots, slotOf } = planMemory(steps, (tensor) => plan.readable.has(tensor.name), reuse);
    const buffers = slots.map((elements, slot) => this.#create(`temporary ${slot}`, elements));
    for (const [tensor, slot] of slotOf) this.#place(tensor, buffers[slot]!);
  }

  destroy(): void {
    for (const buffer of this.owned) buffer.destroy();
  }

  #place(tensor: Tensor, buffer: GPUBuffer): void {
    this.places.set(tensor, { buffer, offset: tensor.offset * 4, size: elementsOf(tensor.shape) * 4 });
  }

  #shared(name: string, elements: number): GPUBuffer {
    const buffer = this.persistent.get(name) ?? this.#create(name, elements);
    this.persistent.set(name, buffer);
    return buffer;
  }

  #create(label: string, elements: number): GPUBuffer {
    const usage = bufferUsage.storage | bufferUsage.copyDestination | bufferUsage.copySource;
    const buffer = this.#gpu.createBuffer({ label, size: elements * 4, usage });
    this.owned.push(buffer);
    this.counters.buffersCreated++;
    return buffer;
  }
}
