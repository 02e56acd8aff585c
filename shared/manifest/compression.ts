// How a job's workers shrink the differences they exchange: what an owner may write as `rounds.compression`, and what that
// means in a given round. A pure function of manifest and round, so that all decoders agree without a message.

import { z } from 'zod';
import { warmedUp } from './warmup.ts';

const largest = {
  density: z
    .number()
    .min(1 / 4096)
    .max(1)
    .default(1 / 64), // part that is sent of each block, or of each chunk's coefficients: those of largest magnitude
  bits: z.literal([1, 2, 4, 8]).default(1), // of a sent value, its sign included
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
};

const topkSettings = z.strictObject({
  kind: z.literal('topk'),
  ...largest,
  errorFeedback: z.number().min(0).max(1).default(1), // part of what was not sent that is added to the next difference
});

const dctSettings = z.strictObject({
  kind: z.literal('dct'), // of what the cosine transform makes of chunks of at most 64 x 64
  ...largest,
  errorFeedback: z.number().min(0).max(1).default(0.999), // DeMo's momentum
});

const lowRankSettings = z.strictObject({
  kind: z.literal('low-rank'),
  rank: z.int().min(1).max(256).default(1), // pairs of vectors that a parameter matrix is sent as
  bits: z.literal([1, 2, 3, 4]).default(2), // of an element of such a vector, its sign included
  errorFeedback: z.number().min(0).max(1).default(0.9), // part of what was not said that is added to the next difference
});

/** A name alone stands for its settings in `named`. */
export const compressionSchema = z.union([
  z.enum(['none', 'int8', 'sign', 'topk', 'dct', 'low-rank']),
  z.discriminatedUnion('kind', [topkSettings, dctSettings, lowRankSettings]),
]);

export type Compression = z.infer<typeof compressionSchema>;
type LargestSettings = z.infer<typeof topkSettings> | z.infer<typeof dctSettings>;
type LowRankSettings = z.infer<typeof lowRankSettings>;
type Name = 'sign' | 'topk' | 'dct' | 'low-rank';
type Settings = LargestSettings | LowRankSettings;

/** What one round's payloads are made with. */
export type RoundCompression =
  | { readonly kind: 'none' | 'int8' }
  | { readonly kind: 'topk'; readonly density: number; readonly bits: 1 | 2 | 4 | 8 }
  | { readonly kind: 'dct'; readonly density: number; readonly bits: 1 | 2 | 4 | 8; readonly folds?: number } // payloads in one, see fold-compression.ts
  | { readonly kind: 'low-rank'; readonly rank: number; readonly bits: 1 | 2 | 3 | 4 };

const named: Readonly<Record<Name, Settings>> = {
  sign: topkSettings.parse({ kind: 'topk', density: 1, bits: 1 }),
  topk: topkSettings.parse({ kind: 'topk' }),
  dct: dctSettings.parse({ kind: 'dct' }),
  'low-rank': lowRankSettings.parse({ kind: 'low-rank' }),
};

/** The compression of one round, any warm-up applied. */
export function compressionAt(compression: Compression, round: number): RoundCompression {
  if (compression === 'none' || compression === 'int8') return { kind: compression };
  const settings = settingsOf(compression);
  if (settings.kind === 'low-rank') return { kind: 'low-rank', rank: settings.rank, bits: settings.bits };
  return { kind: settings.kind, density: densityAt(settings, round), bits: settings.bits };
}

/** Part of what was not sent that stays for the next round; 0 where nothing worth keeping is lost. */
export function errorFeedbackOf(compression: Compression): number {
  return compression === 'none' || compression === 'int8' ? 0 : settingsOf(compression).errorFeedback;
}

/** `topk` for signs too, which are all of a block's elements. */
export function kindOf(compression: Compression): RoundCompression['kind'] {
  return compression === 'none' || compression === 'int8' ? compression : settingsOf(compression).kind;
}

function settingsOf(compression: Name | Settings): Settings {
  return typeof compression === 'string' ? named[compression] : compression;
}

/** Warm-up as in Deep Gradient Compression (arXiv 1712.01887). */
function densityAt({ density, warmup }: LargestSettings, round: number): number {
  return warmup === undefined ? density : warmedUp(warmup.density, density, warmup.rounds, round);
}
