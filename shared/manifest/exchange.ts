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
  const { rounds } = choices;
  const fault = rounds.exchange === 'gradients' ? gradientsFault(choices) : differencesFault(choices);
  if (fault !== null) return fault;
  const isDct = rounds.compression !== undefined && kindOf(rounds.compression) === 'dct';
  if (!isDct || aggregationSettings(rounds.aggregation ?? 'mean').kind === 'mean') return null;
  const message =
    'must be mean with compression dct: honest payloads say different coefficients, so a rule cannot compare them';
  return { path: ['rounds', 'aggregation'], message };
}

function differencesFault({ optimizer: { kind } }: Choices): Fault | null {
  if (kind !== 'sign') return null;
  const message = 'sign is a step that all workers take together: it needs rounds.exchange gradients';
  return { path: ['optimizer', 'kind'], message };
}

function gradientsFault({ optimizer: { kind }, verification, rounds }: Choices): Fault | null {
  const isOfAll = kind === 'sgd' || kind === 'sign';
  const faults: [boolean, string, string][] = [
    [
      !isOfAll,
      'optimizer.kind',
      `must be sgd or sign with rounds.exchange gradients; ${kind} steps on each worker alone`,
    ],
    [
      verification !== 'none',
      'verification',
      'must be none with rounds.exchange gradients: checks judge what each worker trained alone',
    ],
    [
      rounds.staleness > 0,
      'rounds.staleness',
      'must be 0 with exchange gradients: all take each step from the same state',
    ],
    [
      rounds.fragments > 1,
      'rounds.fragments',
      'must be 1 with exchange gradients: those of the other fragments would be lost',
    ],
    [
      rounds.outerLearningRate !== 1,
      'rounds.outerLearningRate',
      'must be 1 with exchange gradients: optimizer.learningRate is the step',
    ],
  ];
  const found = faults.find(([isWrong]) => isWrong);
  return found === undefined ? null : { path: found[1].split('.'), message: found[2] };
}
