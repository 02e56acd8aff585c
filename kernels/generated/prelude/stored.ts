// Made from kernels/prelude/stored.wgsl by `npm run generate`. Do not edit.
export const storedPrelude = `// Values on their way into arrays that may be f16. Whether \`alias T = f32\` is one, T(2049) == T(2048) says: f16 has eleven bits.

/// What is too large becomes the largest f16; comparisons, because \`clamp\` may make a number of a NaN.
fn storable(value: f32, is_half: bool) -> f32 {
  if (is_half && value > 65504) { return 65504; }
  if (is_half && value < -65504) { return -65504; }
  return value;
}

fn storable_four(values: vec4f, is_half: bool) -> vec4f {
  return vec4f(storable(values.x, is_half), storable(values.y, is_half), storable(values.z, is_half), storable(values.w, is_half));
}`;
