// SGD, with momentum if wanted, over the flat parameter vector in one dispatch, clipped by the global norm of the gradient on
// the device. The arithmetic is that of torch.optim.SGD without dampening.

import { sgd as wgsl } from '../generated/sgd.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { splitElements } from '../plan/split.ts';
import type { Optimizer } from '../reduce/optimizer.ts';
import { inferOptimizer, listOptimizer } from '../reduce/optimizer.ts';
import { sgdReference } from './sgd.reference.ts';

export interface SgdOptions {
  readonly learningRate: number;
  readonly momentum: number; // ignored by a plan listed without
  readonly weightDecay: number; // of the parameters declared with `decay`
  readonly maxNorm: number; // of the whole gradient; 0 clips nothing
}

/**
 * Lists one step of SGD after `builder.backward`. The hyper-parameters are the input `sgd.hyper` [4]; with momentum there is
 * the state `sgd.velocities` [parameterCount].
 */
export function sgd(builder: PlanBuilder, { momentum }: { momentum: boolean }): Optimizer {
  return listOptimizer(builder, sgdKernel, 4, momentum ? ['velocities'] : [], { momentum });
}

/** What `sgd.hyper` holds. */
export function sgdHyper({ learningRate, momentum, weightDecay, maxNorm }: SgdOptions): Float32Array {
  return Float32Array.of(learningRate, momentum, weightDecay, maxNorm);
}

/**
 * [gradients [P], squares [1], decays [P / 64], hyper [4]] changes [parameters [P], velocities [P] if `momentum`];
 * P is a multiple of 64. Gradients that are not finite make parameters that are not.
 */
export const sgdKernel: Kernel = {
  name: 'sgd',
  inPlace: true,
  infer: (inputs, { momentum }) => inferOptimizer('sgd', inputs, 4, momentum ? 2 : 1),
  dispatches({ inputs, outputs }, traits) {
    const [gradients, squares, decays, hyper] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const [parameters, velocities] = outputs as [Tensor, Tensor?];
    return splitElements(parameters.shape[0]!, traits).map((range) => {
      const part = (tensor: Tensor) => ({ tensor, range });
      const tensors = { gradients: part(gradients), squares, decays, hyper, parameters: part(parameters) };
      const constants = { vectors: range.elements / 4, first_block: range.first / 64 };
      const workgroups = linearWorkgroups(range.elements / 4, 64, traits);
      if (!velocities) return dispatch(wgsl, { entryPoint: 'update', tensors, constants, workgroups });
      const withVelocities = { ...tensors, velocities: part(velocities) };
      return dispatch(wgsl, { entryPoint: 'update_with_momentum', tensors: withVelocities, constants, workgroups });
    });
  },
  reference: sgdReference,
};
