// What workers exchange: what an owner may write as `rounds.exchange`, and which other choices make sense with it.
//   differences  each takes local optimizer steps; how far it came is averaged (DiLoCo)
//   gradients    none takes a step alone: local steps only add up gradients at the agreed parameters, a larger batch, and all take
//                one optimizer step on what the payloads come to (DGC, arXiv 1712.01887; DeMo, arXiv 2411.19870)

import { z } from 'zod';
import { aggregationSettings } from './aggregation.ts';
import type { Aggregation } from './aggregation.ts';
import { kindOf } from './compression.ts';
import type { Compression } from './compression.ts';
import type { OptimizerSettings } from './optimizer.ts';
import type { Verification } from './verification.ts';

export const exchangeSchema = z.enum(['differences', 'gradients']);

export type Exchanged = z.infer<typeof exchangeSchema>;

/** What has to go with what is exchanged. */
interface Choices {
  readonly optimizer: Pick<OptimizerSettings, 'kind'>;
  readonly verification: Verification;
  readonly rounds: {
    readonly exchange: Exchanged;
    readonly fragments: number;
    readonly staleness: number;
    readonly outerLearningRate: number;
    readonly aggregation?: Aggregation | undefined;
    readonly compression?: Compression | undefined;
  };
}

interface Fault {
  readonly path: string[];
  readonly message: string;
}

/** The first choice that does not go with what is exchanged, or with how it is compressed; null when all do. */
export function exchangeFault(choices: Choices): Fault | null {
  const { exchange, compression, aggregation } = choices.rounds;
  const fault = exchange === 'gradients' ? gradientsFault(choices) : differencesFault(choices);
  const isDct = compression !== undefined && kindOf(compression) === 'dct';
  if (fault !== null || !isDct || aggregationSettings(aggregation ?? 'mean').kind === 'mean') return fault;
  const why = 'honest payloads say different coefficients, so a rule cannot compare them';
  return at('rounds.aggregation', `must be mean with compression dct: ${why}`);
}

function differencesFault({ optimizer: { kind } }: Choices): Fault | null {
  if (kind !== 'sign') return null;
  return at('optimizer.kind', 'sign is a step that all workers take together: it needs rounds.exchange gradients');
}

function gradientsFault({ optimizer: { kind }, verification, rounds }: Choices): Fault | null {
  const must = (path: string, value: string, why: string): Fault =>
    at(path, `must be ${value} with rounds.exchange gradients: ${why}`);
  if (kind !== 'sgd' && kind !== 'sign')
    return must('optimizer.kind', 'sgd or sign', `${kind} steps on each worker alone`);
  if (verification !== 'none') return must('verification', 'none', 'checks judge what each worker trained alone');
  if (rounds.staleness > 0) return must('rounds.staleness', '0', 'all take each step from the same state');
  if (rounds.fragments > 1) return must('rounds.fragments', '1', 'those of the other fragments would be lost');
  if (rounds.outerLearningRate !== 1)
    return must('rounds.outerLearningRate', '1', 'optimizer.learningRate is the step');
  return null;
}

function at(path: string, message: string): Fault {
  return { path: path.split('.'), message };
}
