// A device of references only: slow, and with products in f16 where a plan is compiled so, which no device without shader-f16 has.
// Programs share parameters, not states.

import type { CompileOptions, Device, Program } from '../device/device.ts';
import { newCounters } from '../device/device.ts';
import { checkData, checkShared, findTensor } from '../device/storage.ts';
import { roundStored } from '../plan/half.ts';
import type { Tensor, View } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { halfPlan } from './half-plan.ts';
import { allocate, runReference } from './interpret.ts';

export function openReference(): Device {
  return {
    info: { kind: 'cpu', adapter: 'references', isSoftware: true },
    lost: new Promise(() => {}),
    compile: async (plan, options = {}) => new ReferenceProgram(plan, options),
    destroy() {},
  };
}

class ReferenceProgram implements Program {
  readonly plan: Plan;
  readonly counters = newCounters();
  readonly #views: ReadonlyMap<string, View>;
  readonly #parameters: Float32Array;

  constructor(plan: Plan, { shareWith, precision }: CompileOptions) {
    this.plan = precision === 'f16' ? halfPlan(plan) : plan;
    if (shareWith) checkShared(shareWith.plan, plan);
    this.#parameters = shareWith ? (shareWith as ReferenceProgram).#parameters : new Float32Array(plan.parameterCount);
    this.#views = allocate(plan, 'f32', this.#parameters);
    for (const { tensor, data } of plan.constants) this.#view(tensor).set(data);
  }

  write(name: string, data: View): void {
    const tensor = findTensor(this.plan, name);
    checkData(tensor, data);
    this.#view(tensor).set(data);
    roundStored(this.#view(tensor), tensor);
  }

  writeParameters(data: Float32Array): void {
    this.#parameters.set(data);
  }

  async run(): Promise<void> {
    const view = (tensor: Tensor) => this.#view(tensor);
    for (const op of this.plan.ops) runReference(op, view);
  }

  async read(name: string): Promise<View> {
    return this.#view(findTensor(this.plan, name)).slice();
  }

  async readParameters(): Promise<Float32Array> {
    return this.#parameters.slice();
  }

  destroy(): void {}

  #view({ name }: Tensor): View {
    return this.#views.get(name)!;
  }
}
