// Multiplies a tensor by a number: loss scaling, averages.

import { scale as module } from '../generated/scale.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect } from '../plan/expect.ts';
import type { Kernel } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';

/** x [..] -> factor * x [..], f32; attribute `factor`, a finite number. */
export const scale: Kernel = {
  name: 'scale',
  infer([x], { factor }) {
    expect('scale', Number.isFinite(factor), `the factor ${factor} is not a finite number`);
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  dispatches({ inputs: [x], outputs: [out], attributes }, traits) {
    const elements = elementsOf(x!.shape);
    return [
      dispatch(module, {
        entryPoint: 'scale',
        tensors: { x: x!, out: out! },
        constants: { elements, factor: Number(attributes['factor']) },
        workgroups: linearWorkgroups(elements, 256, traits),
      }),
    ];
  },
  reference([x], [out], { attributes }) {
    const factor = Number(attributes['factor']);
    for (let i = 0; i < x!.length; i++) out![i] = factor * x![i]!;
  },
  adjoint({ inputs: [x], outputs: [out], attributes }, builder) {
    const target = builder.contribute(x!);
    if (target) builder.op(scale, [builder.gradientOf(out!)!], [target], attributes);
  },
};
