// Weights of a frozen model in 8 or 4 bits: blocks of 64 neighbouring elements share one scale, their largest magnitude. int8 is
// symmetric; nf4 has the levels of QLoRA (Dettmers et al. 2023, arXiv:2305.14314, appendix E).

import { LoomError } from '../../shared/errors.ts';

export type QuantizedFormat = 'int8' | 'nf4';

export interface Quantized {
  readonly format: QuantizedFormat;
  readonly elements: number;
  readonly packed: Uint32Array; // element 0 in the lowest bits
  readonly scales: Float32Array; // one a block
}

const block = 64;

const levels = new Float32Array([
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
]);

/** Bits of an element, without its share of the scale. */
export function bitsOf(format: QuantizedFormat): 4 | 8 {
  return format === 'int8' ? 8 : 4;
}

/** Words and scales that so many elements take. */
export function quantizedSizes(format: QuantizedFormat, elements: number): { words: number; scales: number } {
  return { words: Math.ceil((elements * bitsOf(format)) / 32), scales: Math.ceil(elements / block) };
}

/**
 * Rounds each element to the nearest level of its block; a block of zeros stays zeros.
 * @throws LoomError `data_unavailable` for an element that is not finite
 */
export function quantize(values: Float32Array, format: QuantizedFormat): Quantized {
  const sizes = quantizedSizes(format, values.length);
  const packed = new Uint32Array(sizes.words);
  const scales = new Float32Array(sizes.scales);
  const bits = bitsOf(format);
  const perWord = 32 / bits;
  for (let first = 0; first < values.length; first += block) {
    const part = values.subarray(first, first + block);
    const scale = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!Number.isFinite(scale)) throw new LoomError('data_unavailable', 'a weight to quantize is not finite');
    scales[first / block] = scale;
    for (const [i, value] of part.entries()) {
      const at = first + i;
      const code = codeOf(scale === 0 ? 0 : value / scale, format);
      packed[Math.floor(at / perWord)]! |= code << (bits * (at % perWord));
    }
  }
  return { format, elements: values.length, packed, scales };
}

/** The values that a device computes with. */
export function dequantize({ format, elements, packed, scales }: Quantized): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elements);
  dequantizeInto(values, packed, scales, format);
  return values;
}

/**
 * As `dequantize`, into `values`.
 * @param first element of the weight that `values` begins with
 */
export function dequantizeInto(
  values: Float32Array,
  packed: Uint32Array,
  scales: Float32Array,
  format: QuantizedFormat,
  first = 0,
): void {
  if (format === 'int8') {
    for (let i = 0, at = first; i < values.length; i++, at++) {
      const code = (packed[at >> 2]! << (24 - 8 * (at & 3))) >> 24;
      values[i] = code * Math.fround(scales[at >> 6]! / 127);
    }
    return;
  }
  for (let i = 0, at = first; i < values.length; i++, at++) {
    values[i] = levels[(packed[at >> 3]! >>> (4 * (at & 7))) & 15]! * scales[at >> 6]!;
  }
}

/** @param share of the block's largest magnitude, -1..1 */
function codeOf(share: number, format: QuantizedFormat): number {
  if (format === 'int8') return Math.round(share * 127) & 0xff;
  let code = 0;
  while (code < 15 && share > (levels[code]! + levels[code + 1]!) / 2) code++;
  return code;
}
