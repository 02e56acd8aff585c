// A plan laid out on a GPU device. A run encodes one list of dispatches and creates nothing; reads go through a ring of staging
// buffers, so that reading the loss does not stall the steps behind it.

import { LoomError } from '../../shared/errors.ts';
import { fromHalves, toHalves } from '../plan/half.ts';
import type { View } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import type { Counters, Program } from './device.ts';
import { checkData, findTensor } from './storage.ts';
import type { GpuContext } from './webgpu-context.ts';
import type { Place } from './webgpu-buffers.ts';
import type { Layout } from './webgpu-layout.ts';
import { StagingRing } from './webgpu-staging.ts';

/** One submit is never longer than this, so that drivers with a watchdog are content. */
const dispatchesPerSubmit = 256;
const runsInFlight = 2;

export class WebGpuProgram implements Program {
  readonly plan: Plan;
  readonly layout: Layout;
  readonly counters: Counters;
  readonly #context: GpuContext;
  readonly #staging: StagingRing;
  readonly #inFlight: Promise<unknown>[] = []; // oldest first

  constructor(context: GpuContext, plan: Plan, layout: Layout) {
    this.#context = context;
    this.plan = plan;
    this.layout = layout;
    this.counters = layout.counters;
    this.#staging = new StagingRing(context.gpu, this.counters);
  }

  write(name: string, data: View): void {
    const tensor = findTensor(this.plan, name);
    checkData(tensor, data);
    this.#upload(
      this.layout.places.get(tensor)!,
      tensor.dtype === 'f16' ? toHalves(data as Float32Array, tensor) : data,
    );
  }

  writeParameters(data: Float32Array): void {
    if (data.length !== this.plan.parameterCount) {
      throw new LoomError('internal', `${data.length} parameters instead of ${this.plan.parameterCount}`);
    }
    this.#upload(this.#parameterPlace(), data);
  }

  async run(): Promise<void> {
    if (this.#inFlight.length >= runsInFlight) await this.#inFlight.shift();
    this.#checkAlive();
    const { gpu } = this.#context;
    for (let first = 0; first < this.layout.dispatches.length; first += dispatchesPerSubmit) {
      gpu.queue.submit([this.#encode(first, first + dispatchesPerSubmit)]);
      this.counters.submits++;
    }
    // A lost device also ends the wait; the next call reports it.
    this.#inFlight.push(gpu.queue.onSubmittedWorkDone().catch(() => {}));
  }

  async read(name: string): Promise<View> {
    const tensor = findTensor(this.plan, name);
    const bytes = await this.#download(this.layout.places.get(tensor)!);
    if (tensor.dtype === 'f16') return fromHalves(bytes, tensor);
    return tensor.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  }

  async readParameters(): Promise<Float32Array> {
    return new Float32Array(await this.#download(this.#parameterPlace()));
  }

  destroy(): void {
    for (const buffer of this.layout.owned) buffer.destroy();
    this.#staging.destroy();
  }

  #encode(first: number, end: number): GPUCommandBuffer {
    const encoder = this.#context.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindGroup, workgroups } of this.layout.dispatches.slice(first, end)) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
      this.counters.dispatches++;
    }
    pass.end();
    return encoder.finish();
  }

  #parameterPlace(): Place {
    const buffer = this.layout.persistent.get('parameters')!;
    return { buffer, offset: 0, size: buffer.size };
  }

  #upload({ buffer, offset }: Place, data: View): void {
    this.#checkAlive();
    this.#context.gpu.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
    this.counters.bytesUploaded += data.byteLength;
  }

  async #download(place: Place): Promise<ArrayBuffer> {
    this.#checkAlive();
    try {
      const bytes = await this.#staging.read(place);
      this.counters.bytesRead += bytes.byteLength;
      this.#checkAlive();
      return bytes;
    } catch (cause) {
      this.#checkAlive();
      throw new LoomError('device_lost', 'the GPU device went away during a read', { cause });
    }
  }

  #checkAlive(): void {
    if (this.#context.failure) throw this.#context.failure;
  }
}
