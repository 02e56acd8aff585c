// How a job's workers shrink the differences they exchange: what an owner may write as `rounds.compression`, and what that
// means in a given round. A pure function of manifest and round, so that all decoders agree without a message.

import { z } from 'zod';
import { warmedUp } from './warmup.ts';

const topkSettings = z.strictObject({
  kind: z.literal('topk'),
  density: z
    .number()
    .min(1 / 4096)
    .max(1)
    .default(1 / 64), // part of each block's elements that is sent, those of largest magnitude
  bits: z.literal([1, 2, 4, 8]).default(1), // of a sent value, its sign included
  errorFeedback: z.number().min(0).max(1).default(1), // part of what was not sent that is added to the next difference
  warmup: z
    .strictObject({
      rounds: z.int().min(1).max(100_000), // first rounds, in which the density falls geometrically
      density: z
        .number()
        .min(1 / 4096)
        .max(1)
        .default(1), // of round 0
    })
    .optional(),
});

const lowRankSettings = z.strictObject({
  kind: z.literal('low-rank'),
  rank: z.int().min(1).max(256).default(1), // pairs of vectors that a parameter matrix is sent as
  bits: z.literal([1, 2, 3, 4]).default(2), // of an element of such a vector, its sign included
  errorFeedback: z.number().min(0).max(1).default(0.9), // part of what was not said that is added to the next difference
});

/** A name alone stands for its settings in `named`. */
export const compressionSchema = z.union([
  z.enum(['none', 'int8', 'sign', 'topk', 'low-rank']),
  z.discriminatedUnion('kind', [topkSettings, lowRankSettings]),
]);

export type Compression = z.infer<typeof compressionSchema>;
type TopkSettings = z.infer<typeof topkSettings>;
type LowRankSettings = z.infer<typeof lowRankSettings>;

/** What one round's payloads are made with. */
export type RoundCompression =
  | { readonly kind: 'none' | 'int8' }
  | { readonly kind: 'topk'; readonly density: number; readonly bits: 1 | 2 | 4 | 8 }
  | { readonly kind: 'low-rank'; readonly rank: number; readonly bits: 1 | 2 | 3 | 4 };

const named: Readonly<Record<'sign' | 'topk' | 'low-rank', TopkSettings | LowRankSettings>> = {
  sign: topkSettings.parse({ kind: 'topk', density: 1, bits: 1 }),
  topk: topkSettings.parse({ kind: 'topk' }),
  'low-rank': lowRankSettings.parse({ kind: 'low-rank' }),
};

/** The compression of one round, any warm-up applied. */
export function compressionAt(compression: Compression, round: number): RoundCompression {
  if (compression === 'none' || compression === 'int8') return { kind: compression };
  const settings = settingsOf(compression);
  if (settings.kind === 'low-rank') return { kind: 'low-rank', rank: settings.rank, bits: settings.bits };
  return { kind: 'topk', density: densityAt(settings, round), bits: settings.bits };
}

/** Part of what was not sent that stays for the next round; 0 where nothing worth keeping is lost. */
export function errorFeedbackOf(compression: Compression): number {
  return compression === 'none' || compression === 'int8' ? 0 : settingsOf(compression).errorFeedback;
}

function settingsOf(
  compression: 'sign' | 'topk' | 'low-rank' | TopkSettings | LowRankSettings,
): TopkSettings | LowRankSettings {
  return typeof compression === 'string' ? named[compression] : compression;
}

/** Warm-up as in Deep Gradient Compression (arXiv 1712.01887). */
function densityAt({ density, warmup }: TopkSettings, round: number): number {
  return warmup === undefined ? density : warmedUp(warmup.density, density, warmup.rounds, round);
}
