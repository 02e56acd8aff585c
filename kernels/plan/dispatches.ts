// What an op is on WebGPU: its dispatches, and the temporaries that they touch.

import type { DeviceTraits, Dispatch, Op, Tensor } from './op.ts';

export interface ListedOp {
  readonly dispatches: readonly Dispatch[];
  readonly temporaries: readonly Tensor[]; // scratch among them
}

export function listDispatches(op: Op, traits: DeviceTraits): ListedOp {
  const temporaries = [...op.inputs, ...op.outputs].filter((tensor) => tensor.role === 'temporary');
  const scratch = (name: string, elements: number): Tensor => {
    const own = { name: `${op.kernel.name} ${name}`, shape: [elements] };
    const tensor: Tensor = { id: -1, ...own, dtype: 'f32', role: 'temporary', offset: 0 };
    temporaries.push(tensor);
    return tensor;
  };
  return { dispatches: op.kernel.dispatches(op, traits, scratch), temporaries };
}
