// The sent values of one block as few bits each: a sign and one of 2^(bits-1) magnitudes, evenly spaced between two that the
// block states. One bit: the sign, times the mean magnitude. A statement is a bfloat16, the upper half of a float32.

export type ValueBits = 1 | 2 | 4 | 8;

/** Magnitudes of the smallest and the largest code. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** bfloat16 numbers that a block states. */
export const statedMagnitudes = (bits: ValueBits): 1 | 2 => (bits === 1 ? 1 : 2);

/** The range that values are coded in: means of the lower and the upper part for two magnitudes, the extremes for more. */
export function rangeOf(values: Float32Array, bits: ValueBits): Range {
  const magnitudes = values.map(Math.abs);
  if (bits === 1) {
    const mean = toBfloat16(meanOf(magnitudes));
    return { low: mean, high: mean };
  }
  const { low, high } = bits === 2 ? partMeans(magnitudes) : extremes(magnitudes);
  return { low: toBfloat16(low), high: toBfloat16(high) };
}

/** Sign in the lowest bit (1 = negative), the magnitude's number above it. */
export function codeOf(value: number, { low, high }: Range, bits: ValueBits): number {
  const steps = 2 ** (bits - 1) - 1;
  const place = high > low ? Math.round(((Math.abs(value) - low) / (high - low)) * steps) : 0;
  return (Math.max(0, Math.min(steps, place)) << 1) | (value < 0 ? 1 : 0);
}

/** Float32 value of a code, rounded once after each operation, so that every engine gets the same bits. */
export function valueOf(code: number, { low, high }: Range, bits: ValueBits): number {
  const steps = 2 ** (bits - 1) - 1;
  const share = steps === 0 ? 0 : (code >>> 1) / steps;
  const magnitude = Math.fround(low + share * (high - low));
  return (code & 1) === 1 ? -magnitude : magnitude;
}

const scratch = new DataView(new ArrayBuffer(4));

/** Nearest bfloat16, ties away from zero, never above the largest finite one. */
export function toBfloat16(value: number): number {
  scratch.setFloat32(0, value);
  return fromBfloat16(Math.min(0x7f7f, (scratch.getUint32(0) + 0x8000) >>> 16));
}

/** @param pattern 16 bits */
export function fromBfloat16(pattern: number): number {
  scratch.setUint32(0, pattern << 16);
  return scratch.getFloat32(0);
}

export function bfloat16Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0) >>> 16;
}

function meanOf(magnitudes: Float32Array): number {
  return magnitudes.length === 0 ? 0 : magnitudes.reduce((sum, value) => sum + value, 0) / magnitudes.length;
}

/** Two rounds of Lloyd's algorithm from the mean: the two magnitudes that all others are near to. */
function partMeans(magnitudes: Float32Array): Range {
  let border = meanOf(magnitudes);
  let parts = { low: border, high: border };
  for (let iteration = 0; iteration < 3; iteration++) {
    const high = magnitudes.filter((value) => value > border);
    if (high.length === 0) return parts;
    parts = { low: meanOf(magnitudes.filter((value) => value <= border)), high: meanOf(high) };
    border = (parts.low + parts.high) / 2;
  }
  return parts;
}

function extremes(magnitudes: Float32Array): Range {
  const low = magnitudes.reduce((a, b) => Math.min(a, b), Infinity);
  return { low: Number.isFinite(low) ? low : 0, high: magnitudes.reduce((a, b) => Math.max(a, b), 0) };
}
