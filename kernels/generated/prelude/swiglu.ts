// Made from kernels/prelude/swiglu.wgsl by `npm run generate`. Do not edit.
export const swigluPrelude = `/// The logistic function; the clamp keeps its exponential finite.
fn logistic(x: f32) -> f32 {
  return 1 / (1 + exp(clamp(-x, -80, 80)));
}

/// SwiGLU of a gate and its value: SiLU(gate) * value.
fn swiglu_of(pair: vec2f) -> f32 {
  return pair.x * logistic(pair.x) * pair.y;
}

/// The gradients by gate and value from the one by SwiGLU of them.
fn swiglu_gradients(pair: vec2f, gradient: f32) -> vec2f {
  let open = logistic(pair.x);
  return gradient * open * vec2f(pair.y * (1 + pair.x * (1 - open)), pair.x);
}`;
