/// What a gradient is multiplied by, as torch.nn.utils.clip_grad_norm_ does it; a max_norm of 0 clips nothing.
fn clip_factor(squares: f32, max_norm: f32) -> f32 {
  if (max_norm == 0) { return 1; }
  let factor = max_norm / (sqrt(squares) + 1e-6);
  if (factor > 1) { return 1; } // `min` may drop a NaN
  return factor;
}
