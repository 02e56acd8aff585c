// Whether two workers computed the same shard. GPUs round differently and many steps add up, so that honest results are never
// the same bits; they point the same way and are as long, which nothing else is that was not trained on the same batches.

/** How far a claimed difference is from the one computed again. */
export interface Likeness {
  readonly cosine: number; // of the angle between them; 1 = the same direction, 0 also where either is zero or not finite
  readonly error: number; // norm of their difference, relative to the norm of the one computed again
}

/** `npm run bench:audits` measures what honest backends and other shards reach; these lie between. */
export const tolerance = { cosine: 0.95, error: 0.35 };

/** @param claimed and @param again: vectors of equal length */
export function compare(claimed: Float32Array, again: Float32Array): Likeness {
  let [product, claimedSquares, againSquares, apart] = [0, 0, 0, 0];
  for (let i = 0; i < again.length; i++) {
    const [a, b] = [claimed[i]!, again[i]!];
    product += a * b;
    claimedSquares += a * a;
    againSquares += b * b;
    apart += (a - b) * (a - b);
  }
  const length = Math.sqrt(claimedSquares) * Math.sqrt(againSquares);
  if (length === 0 && claimedSquares === againSquares) return { cosine: 1, error: 0 };
  if (!(length > 0) || !Number.isFinite(length)) return unlike;
  return { cosine: Math.min(1, product / length), error: Math.min(unlike.error, Math.sqrt(apart / againSquares)) };
}

/** Of a payload that does not decode. */
export const unlike: Likeness = { cosine: 0, error: 1e9 };

export function isSameShard({ cosine, error }: Likeness): boolean {
  return cosine >= tolerance.cosine && error <= tolerance.error;
}
