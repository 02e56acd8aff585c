// One signed byte an element, scaled by blocks: about a quarter of float32. Body: a float32 scale for each block of 256
// elements, then one int8 for each element; value = scale * byte. The largest of a block maps to ±127, so the error of an
// element is at most 1/254 of the largest in its block.

import { byteBlockElements } from '../../../../kernels/compress/records.ts';
import { LoomError } from '../../../../shared/errors.ts';
import type { DenseBody } from './body.ts';

const blockElements = byteBlockElements;
const largestByte = 127;

const blocksOf = (elements: number): number => Math.ceil(elements / blockElements);

export const int8Body: DenseBody = {
  id: 2,
  planes: [
    { bytes: 4, perElements: blockElements },
    { bytes: 1, perElements: 1 },
  ],
  sizes(elements) {
    const bytes = 4 * blocksOf(elements) + elements;
    return { min: bytes, max: bytes };
  },
  write(difference, body) {
    const valuesAt = 4 * blocksOf(difference.length);
    for (let start = 0; start < difference.length; start += blockElements) {
      const block = difference.subarray(start, start + blockElements);
      const scale = Math.fround(largestMagnitude(block) / largestByte);
      body.setFloat32((4 * start) / blockElements, scale, true);
      for (let i = 0; i < block.length; i++) body.setInt8(valuesAt + start + i, quantize(block[i]!, scale));
    }
    return valuesAt + difference.length;
  },
  read(body, difference) {
    const valuesAt = 4 * blocksOf(difference.length);
    for (let start = 0; start < difference.length; start += blockElements) {
      const scale = body.getFloat32((4 * start) / blockElements, true);
      if (!(scale >= 0 && Number.isFinite(Math.fround(scale * largestByte)))) {
        throw new LoomError('invalid_frame', `scale ${scale} in block ${start / blockElements} of a payload`);
      }
      const end = Math.min(start + blockElements, difference.length);
      for (let i = start; i < end; i++) difference[i] = scale * legalByte(body.getInt8(valuesAt + i), i);
    }
  },
};

function largestMagnitude(block: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < block.length; i++) largest = Math.max(largest, Math.abs(block[i]!));
  return largest;
}

function quantize(value: number, scale: number): number {
  if (scale === 0) return 0;
  return Math.max(-largestByte, Math.min(largestByte, Math.round(value / scale)));
}

function legalByte(byte: number, element: number): number {
  if (byte < -largestByte) throw new LoomError('invalid_frame', `element ${element} of a payload is ${byte}`);
  return byte;
}
