// How a closed round of a job moves its state, whoever computes it: by the average of what workers trained, or by one step of the
// job's optimizer on the gradient that their payloads come to.

import { LoomError } from '../errors.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { OuterStep } from './state.ts';

/**
 * @param learningRate that the room named with the closed round, where gradients are exchanged
 * @throws LoomError `internal` when gradients are exchanged and it is not known
 */
export function outerStepOf({ rounds, optimizer }: Manifest['spec'], learningRate?: number): Omit<OuterStep, 'ranges'> {
  const { outerLearningRate, outerMomentum: momentum, aggregation } = rounds;
  if (rounds.exchange !== 'gradients')
    return { learningRate: outerLearningRate, momentum, aggregation, isSign: false, weightDecay: 0 };
  if (learningRate === undefined) throw new LoomError('internal', 'the round closed without a learning rate');
  const isSign = optimizer.kind === 'sign';
  return { learningRate, momentum, aggregation, isSign, weightDecay: isSign ? optimizer.weightDecay : 0 };
}
