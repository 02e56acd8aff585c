// Which elements of a block are sent: the k of largest magnitude, the first of equal ones.

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/**
 * Marks the `count` elements of largest magnitude.
 * @param block finite
 * @param count 0..block.length
 * @returns their indices, ascending
 */
export function largestMagnitudes(block: Float32Array, count: number): Uint32Array {
  const magnitudes = block.map(Math.abs);
  const threshold = kthLargest(magnitudes, count);
  let ties = count - countAtLeast(magnitudes, nextFloat(threshold));
  const indices = new Uint32Array(count);
  let found = 0;
  for (let i = 0; i < block.length && found < count; i++) {
    const magnitude = magnitudes[i]!;
    if (magnitude > threshold || (magnitude === threshold && ties-- > 0)) indices[found++] = i;
  }
  return indices;
}

/** By bisection over the bits of float32, which order positive numbers as integers do: 31 passes, whatever the values. */
function kthLargest(magnitudes: Float32Array, k: number): number {
  let low = 0; // at least k are as large
  for (let bit = 30; bit >= 0; bit--) {
    const candidate = low | (1 << bit);
    if (candidate < 0x7f80_0000 && countAtLeast(magnitudes, floatOf(candidate)) >= k) low = candidate;
  }
  return floatOf(low);
}

function countAtLeast(magnitudes: Float32Array, threshold: number): number {
  let count = 0;
  for (let i = 0; i < magnitudes.length; i++) if (magnitudes[i]! >= threshold) count++;
  return count;
}

function floatOf(pattern: number): number {
  bits[0] = pattern;
  return float[0]!;
}

function nextFloat(value: number): number {
  float[0] = value;
  bits[0]!++;
  return float[0]!;
}
