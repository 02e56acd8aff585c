// Gradient clipping on the host, for gradients that are exchanged. On the device it is part of the optimizers.

/** The gradient, shortened to a norm if it is longer. @param maxNorm 0 clips nothing */
export function clippedTo(maxNorm: number, gradient: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
  const norm = Math.sqrt(squares);
  if (maxNorm === 0 || norm <= maxNorm) return gradient;
  const scale = maxNorm / norm; // a gradient that is not finite stays so, and is refused where it is encoded
  return gradient.map((value) => value * scale);
}
