// Seeded random numbers that are bit-identical in every JavaScript engine: 32-bit integer operations and the float64
// operations + - * / only. Math.log, Math.cos and the like may differ between engines and must never enter here, because
// initial parameters and batches are part of the agreed state.

export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1), a multiple of 2^-32. */
  uniform(): number;
  /** Uniform integer in [0, n), without bias; 1 <= n <= 2^32. */
  below(n: number): number;
  /** Mean 0, variance 1: the sum of twelve uniforms minus six (Irwin-Hall), so within ±6 and without transcendentals. */
  normal(): number;
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna, public domain), its state filled by splitmix32 from the seed path.
 * Different paths give independent streams: `createRandom(seed, round, slot)`.
 * @param seeds unsigned 32-bit integers, at least one
 */
export function createRandom(...seeds: readonly number[]): Random {
  const state = seedState(seeds);
  const uint32 = (): number => nextXoshiro(state);
  const uniform = (): number => uint32() / 2 ** 32;
  return {
    uint32,
    uniform,
    below: (n) => drawBelow(uint32, n),
    normal() {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += uniform();
      return sum;
    },
  };
}

/** The items in an order that `random` decides (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let left = order.length; left > 1; left--) {
    const chosen = random.below(left);
    [order[chosen], order[left - 1]] = [order[left - 1]!, order[chosen]!];
  }
  return order;
}

function drawBelow(uint32: () => number, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
    throw new RangeError(`below(${n}): n must be an integer in 1..2^32`);
  const limit = 2 ** 32 - (2 ** 32 % n); // values from here on would favour the small remainders
  let value = uint32();
  while (value >= limit) value = uint32();
  return value % n;
}

function nextXoshiro(state: Uint32Array): number {
  const s0 = state[0]!;
  const s1 = state[1]!;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const mixed2 = state[2]! ^ s0;
  const mixed3 = state[3]! ^ s1;
  state[0] = s0 ^ mixed3;
  state[1] = s1 ^ mixed2;
  state[2] = mixed2 ^ (s1 << 9);
  state[3] = rotateLeft(mixed3, 11);
  return result;
}

/** Absorbs the seeds one by one; an all-zero state, which xoshiro never leaves, cannot come out of splitmix in practice. */
function seedState(seeds: readonly number[]): Uint32Array {
  let counter = seeds.length;
  for (const seed of seeds) counter = splitmix(counter + 0x9e3779b9) ^ seed;
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) state[i] = splitmix(counter + Math.imul(i + 1, 0x9e3779b9));
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}

/** The finalizer of splitmix32 (lowbias32 constants by Ellis): a bijection on 32-bit integers. */
function splitmix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
