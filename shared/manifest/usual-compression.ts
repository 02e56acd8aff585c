// What workers exchange where an owner does not say. Signs cost an eighth of int8 and, exchanged more often for it, lose less
// (docs/bytes.md); but they live on what a worker holds back from round to round, and rules that take coordinates one by one
// see little in them.

import { aggregationSettings } from './aggregation.ts';
import type { Aggregation } from './aggregation.ts';
import type { Compression } from './compression.ts';
import { isRepeatable } from './verification.ts';
import type { Verification } from './verification.ts';

/** Rounds as written, with their compression. */
export function withCompression<T extends { aggregation: Aggregation; compression?: Compression | undefined }>(
  rounds: T,
  verification: Verification,
): T & { compression: Compression } {
  const isWhole = isRepeatable(verification) || aggregationSettings(rounds.aggregation).kind !== 'mean';
  const { compression = isWhole ? 'int8' : 'sign', ...others } = rounds;
  return { ...others, compression } as T & { compression: Compression };
}
