// Dropout (Srivastava et al. 2014): elements become zero with a probability, the others grow so that the mean stays. The mask comes
// from counter-based random numbers, so that the backward pass makes the same one without its being stored.

import { dropout as wgsl } from '../generated/dropout.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import type { Attributes, Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { randomBits } from '../sampling/counter-random.ts';

/**
 * [x [..], seed u32 [1]] -> [x / (1 - rate) where kept, else 0 (whatever x is), [..]]. Attributes: `rate` in 0 <= rate < 1;
 * `site`, a number for each place of a model, so that their masks differ. The same seed gives the same mask on every device.
 */
export const dropout: Kernel = {
  name: 'dropout',
  infer([x, seed], { rate, site }) {
    expect('dropout', typeof rate === 'number' && rate >= 0 && rate < 1, `the rate ${rate}`);
    expect('dropout', Number.isSafeInteger(site) && Number(site) >= 0, `the site ${site}`);
    expectTensor('dropout', seed, [1], 'u32');
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, seed] = inputs as [Tensor, Tensor];
    const elements = elementsOf(x.shape);
    return [
      dispatch(wgsl, {
        entryPoint: 'drop',
        tensors: { x, seed, out: outputs[0]! },
        constants: { elements, site: Number(attributes['site']), ...thresholdOf(attributes) },
        workgroups: linearWorkgroups(elements, 64, traits),
      }),
    ];
  },
  reference([x, seed], [out], { attributes }) {
    const { threshold, factor } = thresholdOf(attributes);
    const own = randomBits(seed![0]!, Number(attributes['site']));
    for (let i = 0; i < x!.length; i++) out![i] = randomBits(own, i) >= threshold ? x![i]! * factor : 0;
  },
  adjoint({ inputs: [x, seed], outputs: [out], attributes }, builder) {
    const target = builder.contribute(x!);
    if (target) builder.op(dropout, [builder.gradientOf(out!)!, seed!], [target], attributes);
  },
};

function thresholdOf({ rate }: Attributes): { threshold: number; factor: number } {
  const threshold = Math.min(2 ** 32 - 1, Math.round(Number(rate) * 2 ** 32));
  return { threshold, factor: Math.fround(1 / (1 - Number(rate))) };
}
