// A weighted sum in place, its weights given at run time: how gradients of several batches add up.

import { blend as wgsl } from '../generated/blend.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';

/**
 * [x [N], weights [2]] changes [y [N]] to weights[0] y + weights[1] x; N is a multiple of 4. A first weight of 0 forgets y,
 * even where it is not finite.
 */
export const blend: Kernel = {
  name: 'blend',
  inPlace: true,
  infer([x, weights]) {
    expect('blend', elementsOf(x!.shape) % 4 === 0, `[${x!.shape.join(', ')}] is no multiple of 4`);
    expectTensor('blend', weights, [2]);
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [x, weights] = inputs as [Tensor, Tensor];
    return splitElements(elementsOf(x.shape), traits).map((range) =>
      dispatch(wgsl, {
        entryPoint: 'blend',
        tensors: { x: { tensor: x, range }, weights, y: { tensor: outputs[0]!, range } },
        constants: { vectors: range.elements / 4 },
        workgroups: linearWorkgroups(range.elements / 4, 64, traits),
      }),
    );
  },
  reference([x, weights], [y]) {
    const [kept, added] = weights as unknown as [number, number];
    for (let i = 0; i < x!.length; i++) y![i] = (kept === 0 ? 0 : kept * y![i]!) + added * x![i]!;
  },
};
