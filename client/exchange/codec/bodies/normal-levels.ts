// Values that are spread like a normal distribution as few bits each: a sign and the number of a magnitude, in units of their
// root mean square. The magnitudes are those of least squared error (Max 1960, IRE Trans. Inf. Theory 6, table I).

export type LevelBits = 1 | 2 | 3 | 4;

const levelsOf: Readonly<Record<LevelBits, readonly number[]>> = {
  1: [0.7979],
  2: [0.4528, 1.51],
  3: [0.2451, 0.756, 1.344, 2.152],
  4: [0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733],
};

/** Sign in the lowest bit (1 = negative), the number of the nearest magnitude above it. */
export function levelCode(value: number, bits: LevelBits): number {
  const levels = levelsOf[bits];
  const magnitude = Math.abs(value);
  let place = 0;
  while (place + 1 < levels.length && magnitude > (levels[place]! + levels[place + 1]!) / 2) place++;
  return (place << 1) | (value < 0 ? 1 : 0);
}

/** What a code stands for. */
export function levelValue(code: number, bits: LevelBits): number {
  const magnitude = levelsOf[bits][code >>> 1]!;
  return (code & 1) === 1 ? -magnitude : magnitude;
}
