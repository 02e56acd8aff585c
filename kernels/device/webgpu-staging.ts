// Staging buffers that reads are copied to and mapped from. They are kept and used again: a loop that reads the same
// tensors creates buffers only in its first rounds.

import type { Counters } from './device.ts';
import { bufferUsage, mapModeRead } from './webgpu-flags.ts';
import type { Place } from './webgpu-buffers.ts';

/** Small reads (losses) find this many buffers ready from the start. */
const smallBuffers = 3;
const smallBytes = 256;

export class StagingRing {
  readonly #gpu: GPUDevice;
  readonly #counters: Counters;
  readonly #free: GPUBuffer[] = [];
  readonly #all: GPUBuffer[] = [];

  constructor(gpu: GPUDevice, counters: Counters) {
    this.#gpu = gpu;
    this.#counters = counters;
    for (let i = 0; i < smallBuffers; i++) this.#free.push(this.#create(smallBytes));
  }

  /** Copies what the work submitted so far leaves at a place. Rejects when the device is lost. */
  async read({ buffer, offset, size }: Place): Promise<ArrayBuffer> {
    const staging = this.#take(size);
    const encoder = this.#gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    this.#gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(mapModeRead, 0, size);
    const bytes = staging.getMappedRange(0, size).slice(0);
    staging.unmap();
    this.#free.push(staging);
    return bytes;
  }

  destroy(): void {
    for (const buffer of this.#all) buffer.destroy();
  }

  /** The smallest free buffer that holds `bytes`, else a new one. */
  #take(bytes: number): GPUBuffer {
    const fitting = this.#free.filter((buffer) => buffer.size >= bytes).toSorted((a, b) => a.size - b.size)[0];
    if (!fitting) return this.#create(bytes);
    this.#free.splice(this.#free.indexOf(fitting), 1);
    return fitting;
  }

  #create(bytes: number): GPUBuffer {
    const buffer = this.#gpu.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
    this.#all.push(buffer);
    this.#counters.buffersCreated++;
    this.#counters.bufferBytes += buffer.size;
    return buffer;
  }
}
