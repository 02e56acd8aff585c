// Counter-based random numbers, bit for bit what kernels/prelude/random.wgsl makes.

/** Uniform in [0, 1), a multiple of 2^-24. @param seed, counter unsigned 32-bit integers */
export function counterUniform(seed: number, counter: number): number {
  return (randomBits(seed, counter) >>> 8) * 2 ** -24;
}

/** Uniform unsigned 32-bit integers. @param seed, counter unsigned 32-bit integers */
export function randomBits(seed: number, counter: number): number {
  return mixBits(mixBits(counter + 0x9e3779b9) ^ seed) >>> 0;
}

function mixBits(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
