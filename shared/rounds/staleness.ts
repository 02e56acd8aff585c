// Bounded staleness: a contribution that was trained from an earlier state than that of the round that takes it counts less
// the older that state is. Every worker scales it alike, in float32.

/**
 * What a contribution counts that is `rounds` late: 1 / sqrt(1 + rounds), the polynomial rule of FedAsync (arXiv 1903.03934)
 * as FedBuff (arXiv 2106.06639) applies it to differences. It is not made up for by the others of its round, nor kept back
 * by its author: old work moves the state less.
 */
export function discountOf(rounds: number): number {
  return Math.fround(1 / Math.sqrt(1 + rounds));
}

/** The difference as it counts when its author trained from the state of so many rounds before. */
export function discounted(difference: Float32Array, rounds = 0): Float32Array {
  const scale = discountOf(rounds);
  return rounds === 0 ? difference : difference.map((value) => value * scale); // one product, rounded to float32
}
