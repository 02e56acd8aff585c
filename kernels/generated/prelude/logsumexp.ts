// Made from kernels/prelude/logsumexp.wgsl by `npm run generate`. Do not edit.
export const logsumexpPrelude = `/// log of the sum of exp(logit), from the highest logit and the sum relative to it; NaN where a logit is NaN or infinity, of which
/// \`max\` may have dropped the one and an adapter's \`exp\` made an infinite sum.
fn logsumexp_of(highest: f32, sum: f32) -> f32 {
  return highest + log(sum) + (sum - sum);
}`;
