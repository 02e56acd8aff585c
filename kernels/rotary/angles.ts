// The angles of rotary positions, and the ways in which they are scaled for contexts longer than a model began with.
// Su et al. 2021, arXiv:2104.09864; linear: Chen et al. 2023, arXiv:2306.15595; llama3: as Llama 3.1's own code has it.

export interface Rotary {
  readonly base: number; // theta: pair i turns by base ** (-2 i / D) a position
  readonly scaling?: RotaryScaling;
}

export type RotaryScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      /** Slow pairs turn `factor` times slower, fast ones as ever, those between in between. */
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number; // pairs with fewer turns than this in `originalContext` are slow
      readonly highFrequencyFactor: number; // those with more are fast
      readonly originalContext: number;
    };

/** Cosine and sine of each position's angle for each pair: [T, D/2, 2]. */
export function rotaryAngles(time: number, headSize: number, { base, scaling }: Rotary): Float32Array {
  const speeds = Array.from({ length: headSize / 2 }, (_, i) => scaled(base ** ((-2 * i) / headSize), scaling));
  const angles = new Float32Array(time * headSize);
  for (let t = 0; t < time; t++) {
    for (const [i, speed] of speeds.entries()) {
      angles[t * headSize + 2 * i] = Math.cos(t * speed);
      angles[t * headSize + 2 * i + 1] = Math.sin(t * speed);
    }
  }
  return angles;
}

/** @param speed radians a position */
function scaled(speed: number, scaling: RotaryScaling | undefined): number {
  if (scaling === undefined) return speed;
  if (scaling.type === 'linear') return speed / scaling.factor;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * speed) / (2 * Math.PI);
  const share = Math.min(1, Math.max(0, (turns - low) / (high - low))); // of the pair's own speed
  return share * speed + ((1 - share) * speed) / factor;
}
