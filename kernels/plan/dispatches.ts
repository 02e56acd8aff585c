// What a WebGPU device dispatches for a plan: each op its own dispatches, but where several ops share some because the device is a GPU.

import { listFoldedNorms } from '../norm/folded.ts';
import type { DeviceTraits, Dispatch, Tensor } from './op.ts';
import type { Plan } from './plan.ts';
import { scratchTensor } from './scratch.ts';

export interface ListedOp {
  readonly dispatches: readonly Dispatch[];
  /** What must have storage while they run: what they bind, and what can be read afterwards. */
  readonly temporaries: readonly Tensor[];
}

/** Lists the dispatches of all ops, in order. An op whose work another one took over has none. */
export function listPlan({ ops, readable }: Pick<Plan, 'ops' | 'readable'>, traits: DeviceTraits): ListedOp[] {
  const shared = listFoldedNorms(ops, readable, traits);
  return ops.map((op) => {
    const scratch = (name: string, elements: number) => scratchTensor(`${op.kernel.name} ${name}`, [elements]);
    const dispatches = shared.get(op)?.(scratch) ?? op.kernel.dispatches(op, traits, scratch);
    const bound = dispatches.flatMap(({ bindings }) => bindings.map(({ tensor }) => tensor));
    const read = op.outputs.filter(({ name }) => readable.has(name));
    return { dispatches, temporaries: [...bound, ...read].filter(({ role }) => role === 'temporary') };
  });
}
