// AdamW over the flat parameter vector in one dispatch, clipped by the global norm of the gradient on the device.
// AdamW: Loshchilov, Hutter 2017, arXiv:1711.05101; the arithmetic is that of torch.optim.AdamW.

import { adamw as wgsl } from '../generated/adamw.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';
import type { Optimizer } from '../reduce/optimizer.ts';
import { inferOptimizer, listOptimizer } from '../reduce/optimizer.ts';
import { adamwCpu } from './adamw.cpu.ts';
import { adamwReference } from './adamw.reference.ts';

export interface AdamwOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number; // of the parameters declared with `decay`
  readonly maxNorm: number; // of the whole gradient; 0 clips nothing
}

/**
 * Lists one step of AdamW after `builder.backward`. The hyper-parameters are the input `adamw.hyper` [8], the moments the
 * states `adamw.means` and `adamw.variances` [parameterCount].
 */
export function adamw(builder: PlanBuilder): Optimizer {
  return listOptimizer(builder, adamwKernel, 8, ['means', 'variances']);
}

/**
 * What `adamw.hyper` holds for one step.
 * @param step counts from 1
 */
export function adamwHyper(options: AdamwOptions, step: number): Float32Array {
  const { learningRate, beta1, beta2, epsilon, weightDecay, maxNorm } = options;
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  return Float32Array.of(learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, maxNorm);
}

/**
 * [gradients [P], squares [1], decays [P / 64], hyper [8]] changes [parameters [P], means [P], variances [P]];
 * P is a multiple of 64. Gradients that are not finite make parameters that are not.
 */
export const adamwKernel: Kernel = {
  name: 'adamw',
  inPlace: true,
  infer: (inputs) => inferOptimizer('adamw', inputs, 8, 3),
  dispatches({ inputs, outputs }, traits) {
    const [gradients, squares, decays, hyper] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const [parameters, means, variances] = outputs as [Tensor, Tensor, Tensor];
    return splitElements(parameters.shape[0]!, traits).map((range) =>
      dispatch(wgsl, {
        entryPoint: 'update',
        tensors: {
          gradients: { tensor: gradients, range },
          squares,
          decays,
          hyper,
          parameters: { tensor: parameters, range },
          means: { tensor: means, range },
          variances: { tensor: variances, range },
        },
        constants: { vectors: range.elements / 4, first_block: range.first / 64 },
        workgroups: linearWorkgroups(range.elements / 4, 64, traits),
      }),
    );
  },
  reference: adamwReference,
  cpu: adamwCpu,
};
