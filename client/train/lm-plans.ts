// The programs of language modelling, listed once for a manifest: a training step, its loss alone, and logits to sample from.
// All three lay out the same parameters, so that they can share them on a device.

import { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import { crossEntropy } from '../../kernels/softmax/cross-entropy.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { byteVocabulary } from '../models/bytes-tokenizer.ts';
import { listGpt } from '../models/gpt.ts';
import type { GptShape } from '../models/gpt.ts';
import { listAdding, listMean } from './accumulation.ts';
import { listOptimizer } from './optimizers.ts';

/** The part of a manifest that the plans depend on. */
export interface LmSpec {
  readonly model: Manifest['spec']['model'];
  readonly optimizer: Pick<Manifest['spec']['optimizer'], 'kind' | 'batchSize' | 'accumulate'>;
}

export interface LmPlans {
  readonly shape: GptShape;
  /** Inputs `tokens`, `targets` [B, T] and the optimizer's hyper-parameters; `loss` and every gradient can be read. */
  readonly training: Plan;
  /** Where several batches make a step, what all but the last of them run: inputs `tokens`, `targets`; `loss` can be read. */
  readonly adding: Plan | null;
  /** Inputs `tokens`, `targets` [B, T]; reads `loss`. */
  readonly evaluation: Plan;
  /** Input `tokens` [1, T]; reads `logits` [T, V]. */
  readonly sampling: Plan;
}

export function lmPlans({ model, optimizer }: LmSpec): LmPlans {
  const shape: GptShape = { ...model, vocabulary: byteVocabulary };
  const size: readonly [number, number] = [optimizer.batchSize, shape.context];
  return {
    shape,
    training: lossPlan(shape, size, (builder) => {
      if (optimizer.accumulate > 1) listMean(builder);
      listOptimizer(builder, optimizer.kind);
    }),
    adding: optimizer.accumulate > 1 ? lossPlan(shape, size, listAdding) : null,
    evaluation: lossPlan(shape, size),
    sampling: logitsPlan(shape),
  };
}

/** @param after lists what becomes of the gradients; without, there are none */
function lossPlan(shape: GptShape, size: readonly [number, number], after?: (builder: PlanBuilder) => void): Plan {
  const builder = new PlanBuilder();
  const tokens = builder.input('tokens', size, 'u32');
  const targets = builder.input('targets', size, 'u32');
  const loss = builder.readable(crossEntropy(builder, listGpt(builder, shape, tokens), targets));
  if (after) {
    builder.backward(loss);
    after(builder);
  }
  return builder.finish();
}

function logitsPlan(shape: GptShape): Plan {
  const builder = new PlanBuilder();
  builder.readable(listGpt(builder, shape, builder.input('tokens', [1, shape.context], 'u32')));
  return builder.finish();
}
