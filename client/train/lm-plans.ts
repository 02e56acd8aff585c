// The programs of language modelling, listed once for a manifest: a training step, and its loss alone.
// All three lay out the same parameters, so that they can share them on a device.

import { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import { crossEntropy } from '../../kernels/softmax/cross-entropy.ts';
import type { OptimizerSettings } from '../../shared/manifest/optimizer.ts';
import { listDecoder } from '../models/decoder.ts';
import type { DecoderShape } from '../models/decoder.ts';
import type { Model } from '../models/model.ts';
import { windows } from '../models/sequence.ts';
import { listAdding, listMean } from './accumulation.ts';
import { listOptimizer } from './optimizers.ts';

export interface LmPlans {
  /** Inputs `tokens`, `targets` [B, T] and the optimizer's hyper-parameters; `loss` and every gradient can be read. */
  readonly training: Plan;
  /** Where several batches make a step, what all but the last of them run: inputs `tokens`, `targets`; `loss` can be read. */
  readonly adding: Plan | null;
  /** Inputs `tokens`, `targets` [B, T]; reads `loss`. */
  readonly evaluation: Plan;
}

/** The programs that train a model in its windows, as the optimizer's settings say. */
export function lmPlans(
  { shape, window }: Pick<Model, 'shape' | 'window'>,
  optimizer: Pick<OptimizerSettings, 'kind' | 'batchSize' | 'accumulate'>,
): LmPlans {
  const size: readonly [number, number] = [optimizer.batchSize, window];
  return {
    training: lossPlan(shape, size, (builder) => {
      if (optimizer.accumulate > 1) listMean(builder);
      listOptimizer(builder, optimizer.kind);
    }),
    adding: optimizer.accumulate > 1 ? lossPlan(shape, size, listAdding) : null,
    evaluation: lossPlan(shape, size),
  };
}

/** @param after lists what becomes of the gradients; without, there are none */
function lossPlan(shape: DecoderShape, size: readonly [number, number], after?: (builder: PlanBuilder) => void): Plan {
  const builder = new PlanBuilder();
  const tokens = builder.input('tokens', size, 'u32');
  const targets = builder.input('targets', size, 'u32');
  const loss = builder.readable(crossEntropy(builder, listDecoder(builder, shape, windows(builder, tokens)), targets));
  if (after) {
    builder.backward(loss);
    after(builder);
  }
  return builder.finish();
}
