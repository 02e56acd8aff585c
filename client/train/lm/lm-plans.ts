// The programs of language modelling, listed once for a manifest: a training step, and its loss alone.
// All three lay out the same parameters, so that they can share them on a device.

import { headLoss } from '../../../kernels/head/head-loss.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Tensor } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { crossEntropy } from '../../../kernels/softmax/cross-entropy.ts';
import type { Exchanged } from '../../../shared/manifest/exchange.ts';
import type { OptimizerSettings } from '../../../shared/manifest/optimizer.ts';
import { listDecoder } from '../../models/decoder.ts';
import type { DecoderShape } from '../../models/decoder.ts';
import type { Model } from '../../models/model.ts';
import { windows } from '../../models/sequence.ts';
import { listAdding, listMean } from './accumulation.ts';
import { listDropout } from './dropout.ts';
import { listOptimizer } from './optimizers.ts';

/** What the plans of a job depend on besides its model. */
export type StepSettings = Pick<OptimizerSettings, 'kind' | 'batchSize' | 'accumulate'> &
  Partial<Pick<OptimizerSettings, 'dropout'>> & { readonly recompute?: boolean; readonly exchange?: Exchanged };

export interface LmPlans {
  /**
   * Inputs `tokens`, `targets` [B, T], `dropout.seed` where there is dropout, and the optimizer's hyper-parameters; `loss` and every
   * gradient can be read. Where gradients are exchanged there is no optimizer, and they add up: see accumulation.ts.
   */
  readonly training: Plan;
  /** Where several batches make a step, what all but the last of them run: inputs `tokens`, `targets`; `loss` can be read. */
  readonly adding: Plan | null;
  /** Inputs `tokens`, `targets` [B, T]; reads `loss`. */
  readonly evaluation: Plan;
}

/** Logits beyond this many elements (64 MiB) are not held: the loss is computed in chunks of the vocabulary. */
const mostLogits = 2 ** 24;

/** The programs that train a model in its windows, as the optimizer's settings say. */
export function lmPlans(
  { shape, window }: Pick<Model, 'shape' | 'window'>,
  { kind, batchSize, accumulate, dropout = 0, recompute = false, exchange = 'differences' }: StepSettings,
): LmPlans {
  const listLoss = (builder: PlanBuilder, rate: number) => listLossOf(builder, shape, [batchSize, window], rate);
  const differentiated = (after: (builder: PlanBuilder) => void): Plan => {
    const builder = new PlanBuilder();
    builder.backward(listLoss(builder, dropout), { recompute });
    after(builder);
    return builder.finish();
  };
  const evaluation = new PlanBuilder();
  listLoss(evaluation, 0);
  if (exchange === 'gradients')
    return { training: differentiated(listAdding), adding: null, evaluation: evaluation.finish() };
  return {
    training: differentiated((builder) => {
      if (accumulate > 1) listMean(builder);
      listOptimizer(builder, kind);
    }),
    adding: accumulate > 1 ? differentiated(listAdding) : null,
    evaluation: evaluation.finish(),
  };
}

/** Lists the model and its loss over inputs `tokens` and `targets` [B, T]; with dropout also `dropout.seed`. */
function listLossOf(builder: PlanBuilder, shape: DecoderShape, size: readonly [number, number], rate: number): Tensor {
  const tokens = builder.input('tokens', size, 'u32');
  const targets = builder.input('targets', size, 'u32');
  const isChunked = size[0] * size[1] * shape.vocabulary > mostLogits;
  const out = listDecoder(builder, shape, {
    ...windows(builder, tokens),
    ...(rate > 0 && { drop: listDropout(builder, rate) }),
    ...(isChunked && { head: (x: Tensor, table: Tensor) => headLoss(builder, x, table, targets) }),
  });
  return builder.readable(isChunked ? out : crossEntropy(builder, out, targets));
}
