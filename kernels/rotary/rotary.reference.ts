// Rotary positions in plain TypeScript: the truth the WGSL is held against, and the CPU backend.

export interface RotaryShape {
  readonly time: number; // T: row r stands at position r % T
  readonly width: number; // W: elements a row
  readonly headSize: number; // D, even
  readonly heads: number; // the first `heads` * D elements of a row are turned, the rest is copied
}

/**
 * Turns element i of each head together with element i + D/2 by the position's angle (`inverse`: by minus that angle).
 * @param x [R, W]  @param angles [T, D/2, 2]: cosine and sine, as `rotaryAngles` makes them  @param out [R, W]
 */
export function rotate(
  x: Float32Array,
  angles: Float32Array,
  out: Float32Array,
  { time, width, headSize, heads }: RotaryShape,
  inverse: boolean,
): void {
  const half = headSize / 2;
  const sign = inverse ? -1 : 1;
  out.set(x);
  for (let row = 0; row < x.length / width; row++) {
    const angle = (row % time) * headSize;
    for (let at = row * width; at < row * width + heads * headSize; at += headSize) {
      for (let i = 0; i < half; i++) {
        const cosine = angles[angle + 2 * i]!;
        const sine = sign * angles[angle + 2 * i + 1]!;
        const [first, second] = [x[at + i]!, x[at + i + half]!];
        out[at + i] = first * cosine - second * sine;
        out[at + i + half] = second * cosine + first * sine;
      }
    }
  }
}

/** Cosine and sine of t * base ** (-2 i / D) for every position t and pair i: [T, D/2, 2]. */
export function rotaryAngles(time: number, headSize: number, base: number): Float32Array {
  const angles = new Float32Array(time * headSize);
  for (let t = 0; t < time; t++) {
    for (let i = 0; i < headSize / 2; i++) {
      const angle = t * base ** ((-2 * i) / headSize);
      angles[t * headSize + 2 * i] = Math.cos(angle);
      angles[t * headSize + 2 * i + 1] = Math.sin(angle);
    }
  }
  return angles;
}
