// The CPU backend: runs a plan's references, or their WebAssembly SIMD fast paths, over views of one WebAssembly memory.
// Programs that share parameters share the memory. `run` computes before it returns: give it a thread of its own.

import { LoomError } from '../../shared/errors.ts';
import type { Op, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { planMemory } from '../plan/memory.ts';
import type { Plan } from '../plan/plan.ts';
import type { Wasm } from '../wasm/wasm.ts';
import { openWasm } from '../wasm/wasm.ts';
import type { CompileOptions, Counters, Device, Program } from './device.ts';
import { newCounters } from './device.ts';
import { checkData, checkShared, findTensor } from './storage.ts';

/** Opens the CPU backend. It works wherever WebAssembly SIMD does: Node >= 16.4 and every browser since 2023. */
export function openCpu(): Device {
  return {
    info: { kind: 'cpu', adapter: 'CPU (WebAssembly SIMD)', isSoftware: true },
    lost: new Promise(() => {}),
    compile: async (plan, options = {}) => compileOnCpu(plan, options),
    destroy() {},
  };
}

async function compileOnCpu(plan: Plan, options: CompileOptions): Promise<CpuProgram> {
  const base = options.shareWith;
  if (base === undefined) return new CpuProgram(plan, await openWasm(), new Map(), options.reuseMemory ?? true);
  if (!(base instanceof CpuProgram)) throw new LoomError('internal', 'a CPU program can share only with a CPU program');
  checkShared(base.plan, plan);
  return new CpuProgram(plan, base.wasm, base.persistent, options.reuseMemory ?? true);
}

/** Where a tensor lies in the memory. */
interface Region {
  readonly pointer: number; // bytes
  readonly elements: number;
}

interface Step {
  readonly op: Op;
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
  readonly scratch: Float32Array;
}

class CpuProgram implements Program {
  readonly plan: Plan;
  readonly counters: Counters = newCounters();
  readonly wasm: Wasm;
  /** Regions that outlive a program and are shared: 'parameters', and the states by name. */
  readonly persistent: Map<string, Region>;
  readonly #regions = new Map<Tensor, Region>();
  readonly #scratch: Region;
  #buffer: ArrayBufferLike | null = null; // the one that the steps' views look at
  #steps: readonly Step[] = [];

  constructor(plan: Plan, wasm: Wasm, persistent: Map<string, Region>, reuseMemory: boolean) {
    this.plan = plan;
    this.wasm = wasm;
    this.persistent = persistent;
    this.#placePersistent();
    this.#placeTemporaries(reuseMemory);
    this.#scratch = this.#allocate(Math.max(0, ...plan.ops.map((op) => op.kernel.cpu?.scratch?.(op) ?? 0)));
    for (const { tensor, data } of plan.constants) this.#view(tensor).set(data);
  }

  write(name: string, data: View): void {
    const tensor = findTensor(this.plan, name);
    checkData(tensor, data);
    this.#view(tensor).set(data);
    this.counters.bytesUploaded += data.byteLength;
  }

  writeParameters(data: Float32Array): void {
    const target = this.#flat(this.persistent.get('parameters')!);
    if (data.length !== target.length)
      throw new LoomError('internal', `${data.length} parameters instead of ${target.length}`);
    target.set(data);
    this.counters.bytesUploaded += data.byteLength;
  }

  async run(): Promise<void> {
    for (const { op, inputs, outputs, scratch } of this.#boundSteps()) {
      if (op.kernel.cpu) op.kernel.cpu.run(inputs, outputs, op, this.wasm, scratch);
      else op.kernel.reference(inputs, outputs, op);
    }
    this.counters.dispatches += this.plan.ops.length;
    this.counters.submits++;
  }

  async read(name: string): Promise<View> {
    return this.#copy(this.#view(findTensor(this.plan, name)));
  }

  async readParameters(): Promise<Float32Array> {
    return this.#copy(this.#flat(this.persistent.get('parameters')!));
  }

  destroy(): void {
    this.#steps = [];
  }

  #copy<T extends View>(view: T): T {
    this.counters.bytesRead += view.byteLength;
    return view.slice() as T;
  }

  #placePersistent(): void {
    const shared = (name: string, elements: number): Region => {
      const region = this.persistent.get(name) ?? this.#allocate(elements);
      this.persistent.set(name, region);
      return region;
    };
    const parameters = shared('parameters', this.plan.parameterCount);
    const hasGradients = this.plan.tensors.some((tensor) => tensor.role === 'gradient');
    const gradients = this.#allocate(hasGradients ? this.plan.parameterCount : 0);
    for (const tensor of this.plan.tensors) {
      const elements = elementsOf(tensor.shape);
      if (tensor.role === 'temporary') continue;
      if (tensor.role === 'parameter') this.#regions.set(tensor, slice(parameters, tensor.offset, elements));
      else if (tensor.role === 'gradient') this.#regions.set(tensor, slice(gradients, tensor.offset, elements));
      else
        this.#regions.set(
          tensor,
          tensor.role === 'state' ? shared(`state ${tensor.name}`, elements) : this.#allocate(elements),
        );
    }
  }

  #placeTemporaries(reuse: boolean): void {
    const steps = this.plan.ops.map((op) =>
      [...op.inputs, ...op.outputs].filter((tensor) => tensor.role === 'temporary'),
    );
    const { slots, slotOf } = planMemory(steps, (tensor) => this.plan.readable.has(tensor.name), reuse);
    const regions = slots.map((bytes) => this.#allocate(bytes / 4));
    for (const [tensor, slot] of slotOf) this.#regions.set(tensor, slice(regions[slot]!, 0, elementsOf(tensor.shape)));
  }

  #allocate(elements: number): Region {
    if (elements > 0) this.counters.buffersCreated++;
    this.counters.bufferBytes += elements * 4;
    return { pointer: this.wasm.allocate(elements * 4), elements };
  }

  #flat({ pointer, elements }: Region): Float32Array {
    return new Float32Array(this.wasm.memory.buffer, pointer, elements);
  }

  #view(tensor: Tensor): View {
    const { pointer, elements } = this.#regions.get(tensor)!;
    const View = tensor.dtype === 'f32' ? Float32Array : Uint32Array;
    return new View(this.wasm.memory.buffer, pointer, elements);
  }

  /** The steps over views of the present buffer: a memory that grew for another program has a new one. */
  #boundSteps(): readonly Step[] {
    if (this.#buffer === this.wasm.memory.buffer) return this.#steps;
    this.#buffer = this.wasm.memory.buffer;
    const views = new Map(
      this.plan.tensors.filter((tensor) => this.#regions.has(tensor)).map((tensor) => [tensor, this.#view(tensor)]),
    );
    const scratch = this.#flat(this.#scratch);
    this.#steps = this.plan.ops.map((op) => ({
      op,
      inputs: op.inputs.map((tensor) => views.get(tensor)!),
      outputs: op.outputs.map((tensor) => views.get(tensor)!),
      scratch,
    }));
    return this.#steps;
  }
}

function slice({ pointer }: Region, offset: number, elements: number): Region {
  return { pointer: pointer + offset * 4, elements };
}
