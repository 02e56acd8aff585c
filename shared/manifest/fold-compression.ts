// How a group shrinks the one payload that it makes of its members' differences. Made of many, it says more than any of them:
// it keeps every element that a sparse contribution named, at eight bits, so that folding loses next to nothing. Coefficients lie
// in blocks of all sizes, of which each contribution says at least one: there the count of each block is multiplied.

import { compressionAt } from './compression.ts';
import type { Compression, RoundCompression } from './compression.ts';

/** @param folds contributions in the payload; 1 for a worker's own */
export function payloadCompressionAt(compression: Compression, round: number, folds: number): RoundCompression {
  const own = compressionAt(compression, round);
  if (folds === 1 || own.kind === 'none' || own.kind === 'int8') return own;
  if (own.kind !== 'topk' && own.kind !== 'dct') return { kind: 'int8' };
  const density = own.density * folds;
  if (density >= denseFrom) return { kind: 'int8' };
  return own.kind === 'topk' ? { ...own, density, bits: 8 } : { ...own, folds, bits: 8 };
}

/** From this density on naming elements costs more than sending all of them. */
const denseFrom = 0.6;
