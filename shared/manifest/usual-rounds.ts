// What rounds are like where an owner does not say. Signs cost an eighth of int8 and, exchanged more often for it, lose less
// (docs/bytes.md); but they live on what a worker holds back from round to round, and rules that take coordinates one by one
// see little in them. Gradients are exchanged in every step, by a few coefficients: DeMo as its authors have it.

import { aggregationSettings } from './aggregation.ts';
import type { Aggregation } from './aggregation.ts';
import { kindOf } from './compression.ts';
import type { Compression } from './compression.ts';
import type { Exchanged } from './exchange.ts';
import { isRepeatable, verificationSettings } from './verification.ts';
import type { Verification } from './verification.ts';

interface Written {
  readonly exchange: Exchanged;
  readonly aggregation?: Aggregation | undefined;
  readonly innerSteps?: number | undefined;
  readonly compression?: Compression | undefined;
}

export interface Usual {
  readonly innerSteps: number;
  readonly aggregation: Aggregation;
  readonly compression: Compression;
}

/** Rounds as written, with what is usual for the rest. */
export function withUsual<T extends Written>(rounds: T, verification: Verification): T & Usual {
  const { exchange, innerSteps = exchange === 'gradients' ? 1 : 8 } = rounds;
  const { aggregation = usualAggregation(rounds, verification) } = rounds;
  const { compression = usualCompression({ ...rounds, aggregation }, verification), ...others } = rounds;
  return { ...others, innerSteps, aggregation, compression } as T & Usual;
}

/** The mean of workers that are trusted, and of payloads that no rule can compare. */
function usualAggregation({ compression }: Written, verification: Verification): Aggregation {
  const isComparable = compression === undefined || kindOf(compression) !== 'dct';
  return verificationSettings(verification).isOn && isComparable ? 'robust' : 'mean';
}

type Aggregated = Written & Pick<Usual, 'aggregation'>;

function usualCompression({ exchange, aggregation }: Aggregated, verification: Verification): Compression {
  const isWhole = isRepeatable(verification) || aggregationSettings(aggregation).kind !== 'mean';
  if (isWhole) return 'int8';
  return exchange === 'gradients' ? 'dct' : 'sign';
}
