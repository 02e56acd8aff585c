// What rounds are like where an owner does not say. Signs cost an eighth of int8 and, exchanged more often for it, lose less
// (docs/bytes.md); but they live on what a worker holds back from round to round, and rules that take coordinates one by one
// see little in them. Gradients are exchanged in every step, by a few coefficients: DeMo as its authors have it.

import { aggregationSettings } from './aggregation.ts';
import type { Aggregation } from './aggregation.ts';
import type { Compression } from './compression.ts';
import type { Exchanged } from './exchange.ts';
import { isRepeatable } from './verification.ts';
import type { Verification } from './verification.ts';

interface Written {
  readonly exchange: Exchanged;
  readonly aggregation: Aggregation;
  readonly innerSteps?: number | undefined;
  readonly compression?: Compression | undefined;
}

export interface Usual {
  readonly innerSteps: number;
  readonly compression: Compression;
}

/** Rounds as written, with what is usual for the rest. */
export function withUsual<T extends Written>(rounds: T, verification: Verification): T & Usual {
  const { exchange, innerSteps = exchange === 'gradients' ? 1 : 8 } = rounds;
  const { compression = usualCompression(rounds, verification), ...others } = rounds;
  return { ...others, innerSteps, compression } as T & Usual;
}

function usualCompression({ exchange, aggregation }: Written, verification: Verification): Compression {
  const isWhole = isRepeatable(verification) || aggregationSettings(aggregation).kind !== 'mean';
  if (isWhole) return 'int8';
  return exchange === 'gradients' ? 'dct' : 'sign';
}
