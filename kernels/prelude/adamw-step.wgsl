// with: clip

/// `adamwHyper` in adamw.ts writes it.
struct Hyper {
  learning_rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weight_decay: f32,
  correction1: f32, // 1 - beta1 ^ step
  correction2: f32,
  max_norm: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(1) var<storage, read> squares: array<f32>; // [1], of the whole gradient
@group(0) @binding(2) var<storage, read> decays: array<f32>; // 1 or 0 for each block of 64 elements
@group(0) @binding(3) var<storage, read> hyper: Hyper;
@group(0) @binding(4) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> means: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> variances: array<vec4f>;

/// Changes four parameters, at vector `i` of the bound part, and their moments at vector `kept`.
fn adamw_step(i: u32, kept: u32, decay: f32) {
  let gradient = gradients[i] * clip_factor(squares[0], hyper.max_norm);
  let mean = hyper.beta1 * means[kept] + (1 - hyper.beta1) * gradient;
  let variance = hyper.beta2 * variances[kept] + (1 - hyper.beta2) * gradient * gradient;
  let deviation = sqrt(variance / hyper.correction2) + hyper.epsilon;
  let shrink = 1 - hyper.learning_rate * hyper.weight_decay * decay;
  parameters[i] = parameters[i] * shrink - hyper.learning_rate / hyper.correction1 * mean / deviation;
  means[kept] = mean;
  variances[kept] = variance;
}
