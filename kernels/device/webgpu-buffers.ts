// The buffers of a program on a GPU device: one for all parameters, one for all gradients, one for every input, state, constant and
// readable tensor, and one for every slot that temporaries share.

import { LoomError } from '../../shared/errors.ts';
import type { Tensor } from '../plan/op.ts';
import { bytesOf, elementsOf } from '../plan/op.ts';
import { planMemory } from '../plan/memory.ts';
import type { Plan } from '../plan/plan.ts';
import { newCounters } from './device.ts';
import { bufferUsage } from './webgpu-flags.ts';

/** Where a tensor lies. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number; // bytes
  readonly size: number; // bytes
}

/** Gives every tensor a place; counts and owns the buffers it makes. */
export class Buffers {
  readonly places = new Map<Tensor, Place>();
  readonly persistent: Map<string, GPUBuffer>;
  readonly owned: GPUBuffer[] = [];
  readonly counters = newCounters();
  readonly #gpu: GPUDevice;

  constructor(gpu: GPUDevice, shared: ReadonlyMap<string, GPUBuffer>) {
    this.#gpu = gpu;
    this.persistent = new Map(shared);
  }

  /** @param steps the temporaries that each op binds, its scratch among them */
  place(plan: Plan, steps: readonly (readonly Tensor[])[], reuse: boolean): void {
    this.#placePersistent(plan);
    const { slots, slotOf } = planMemory(steps, (tensor) => plan.readable.has(tensor.name), reuse);
    const buffers = slots.map((bytes, slot) => this.#create(`temporary ${slot}`, bytes));
    for (const [tensor, slot] of slotOf) this.#place(tensor, buffers[slot]!);
  }

  destroy(): void {
    for (const buffer of this.owned) buffer.destroy();
  }

  #placePersistent(plan: Plan): void {
    const flat = new Map<string, GPUBuffer>();
    if (plan.parameterCount > 0) flat.set('parameter', this.#shared('parameters', 4 * plan.parameterCount));
    if (plan.tensors.some((tensor) => tensor.role === 'gradient')) {
      flat.set('gradient', this.#create('gradients', 4 * plan.parameterCount));
    }
    for (const tensor of plan.tensors) {
      const { role, name } = tensor;
      const bytes = bytesOf(tensor, elementsOf(tensor.shape));
      if (role === 'temporary') continue;
      if (role === 'state') this.#place(tensor, this.#shared(`state ${name}`, bytes));
      else this.#place(tensor, flat.get(role) ?? this.#create(name, bytes));
    }
    for (const { tensor, data } of plan.constants) {
      this.#gpu.queue.writeBuffer(this.places.get(tensor)!.buffer, 0, data as Float32Array<ArrayBuffer>);
    }
  }

  #place(tensor: Tensor, buffer: GPUBuffer): void {
    this.places.set(tensor, { buffer, offset: tensor.offset * 4, size: bytesOf(tensor, elementsOf(tensor.shape)) });
  }

  #shared(name: string, bytes: number): GPUBuffer {
    const buffer = this.persistent.get(name) ?? this.#create(name, bytes);
    if (buffer.size !== bytes)
      throw new LoomError('internal', `programs that share ${name} store it in ${buffer.size} and ${bytes} bytes`);
    this.persistent.set(name, buffer);
    return buffer;
  }

  #create(label: string, bytes: number): GPUBuffer {
    const usage = bufferUsage.storage | bufferUsage.copyDestination | bufferUsage.copySource;
    const buffer = this.#gpu.createBuffer({ label, size: bytes, usage });
    this.owned.push(buffer);
    this.counters.buffersCreated++;
    this.counters.bufferBytes += buffer.size;
    return buffer;
  }
}
