// AdamW for the parameters that Muon leaves: embeddings, norms, biases, the LM head. Their moments lie packed, so that the
// matrices, which are most of a model, keep no second moment.

import { adamwStep } from '../adamw/adamw.reference.ts';
import { muonRest as wgsl } from '../generated/muon-rest.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Kernel, Tensor } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';
import type { Parameter } from '../plan/plan.ts';

const block = 64; // elements: parameters begin at multiples of it

/** The blocks of the flat vector that these parameters lie in, and whether they decay. */
export function blocksOf(parameters: readonly Parameter[]): { blocks: Uint32Array; decays: Float32Array } {
  const listed = parameters.flatMap(({ offset, elements, decay }) =>
    Array.from({ length: Math.ceil(elements / block) }, (_, i) => ({ number: offset / block + i, decay })),
  );
  return { blocks: Uint32Array.from(listed, (b) => b.number), decays: Float32Array.from(listed, (b) => +b.decay) };
}

/**
 * [gradients [P], squares [1], decays [blocks], hyper [8], blocks u32 [blocks]] changes
 * [parameters [P], means [64 blocks], variances [64 blocks]].
 */
export function restKernel(rest: readonly Parameter[]): Kernel {
  return {
    name: 'muonRest',
    inPlace: true,
    infer([gradients, squares, decays, hyper, blocks]) {
      const count = blocks!.shape[0]!;
      expectTensor('muonRest', squares, [1]);
      expectTensor('muonRest', decays, [count]);
      expectTensor('muonRest', hyper, [8]);
      expectTensor('muonRest', blocks, [count], 'u32');
      return [gradients!.shape, [count * block], [count * block]].map((shape) => ({ shape, dtype: 'f32' }));
    },
    dispatches({ inputs, outputs }, traits) {
      const [gradients, squares, decays, hyper, blocks] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const [parameters, means, variances] = outputs as [Tensor, Tensor, Tensor];
      return partsOf(rest, parameters, traits).map(({ range, first, count }) =>
        dispatch(wgsl, {
          entryPoint: 'update',
          tensors: {
            squares,
            decays,
            hyper,
            blocks,
            means: { tensor: means, range: { first: first * block, elements: count * block } },
            variances: { tensor: variances, range: { first: first * block, elements: count * block } },
            gradients: { tensor: gradients, range },
            parameters: { tensor: parameters, range },
          },
          constants: { first, blocks_here: count, bound_block: range.first / block },
          workgroups: linearWorkgroups(count * 16, 64, traits),
        }),
      );
    },
    reference([gradients, squares, decays, hyper, blocks], [parameters, means, variances]) {
      const step = adamwStep(hyper!, squares![0]!);
      for (let i = 0; i < means!.length; i++) {
        const at = blocks![i >> 6]! * block + (i & 63);
        parameters![at] = step(parameters![at]!, gradients![at]!, decays![i >> 6]!, means!, variances!, i);
      }
    },
  };
}

/** All listed blocks in one dispatch where the device binds the whole flat vector, else the parameters one by one. */
function partsOf(rest: readonly Parameter[], flat: Tensor, traits: DeviceTraits) {
  const elements = flat.shape[0]!;
  const counts = rest.map((parameter) => Math.ceil(parameter.elements / block));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (elements * 4 <= traits.maxBindingBytes) return [{ range: { first: 0, elements }, first: 0, count: total }];
  let listed = 0;
  return rest.flatMap(({ offset }, index) => {
    const first = listed;
    listed += counts[index]!;
    return splitElements(counts[index]! * block, traits).map((part) => ({
      range: { first: offset + part.first, elements: part.elements },
      first: first + part.first / block,
      count: part.elements / block,
    }));
  });
}
