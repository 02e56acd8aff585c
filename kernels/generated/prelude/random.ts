// Made from kernels/prelude/random.wgsl by `npm run generate`. Do not edit.
export const randomPrelude = `// Counter-based random numbers: the same seed and counter give the same bits everywhere, in any order. The mixer is
// splitmix32's with Ellis' lowbias32 constants, as in shared/random.ts.

fn mix_bits(value: u32) -> u32 {
  var z = (value ^ (value >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

fn random_bits(seed: u32, counter: u32) -> u32 {
  return mix_bits(mix_bits(counter + 0x9e3779b9u) ^ seed);
}

/// In [0, 1), a multiple of 2^-24.
fn random_uniform(seed: u32, counter: u32) -> f32 {
  return f32(random_bits(seed, counter) >> 8) * 0x1p-24;
}`;
