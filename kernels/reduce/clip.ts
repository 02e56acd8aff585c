// Clipping by the global norm; kernels/prelude/clip.wgsl is the same in WGSL.

/**
 * What a gradient is multiplied by, as torch.nn.utils.clip_grad_norm_ does it (Pascanu et al. 2013, arXiv:1211.5063).
 * @param squares the sum of the squares of the whole gradient
 * @param maxNorm 0 clips nothing
 * @returns NaN for squares of NaN, which makes every parameter NaN; 0 for squares that are infinite
 */
export function clipFactor(squares: number, maxNorm: number): number {
  return maxNorm === 0 ? 1 : Math.min(1, maxNorm / (Math.sqrt(squares) + 1e-6));
}
