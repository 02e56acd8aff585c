// Numbers as f16 holds them: 11 bits, up to 65504. Gradients are far below what it resolves, so that they are multiplied by a power of
// two before they are rounded and divided by it when they are read: loss scaling without a loss that is scaled.

import type { Tensor, View } from './op.ts';
import { elementsOf } from './op.ts';

/** A gradient of 1 still fits f16, one of 1e-12 is still more than nothing. */
export const gradientScale = 2 ** 15;

const largest = 65504;

/** Younger than the types; browsers with shader-f16 have both. */
const young = globalThis as unknown as {
  readonly Float16Array: new (data: Iterable<number> | ArrayBuffer | number) => Float32Array<ArrayBuffer>;
  readonly Math: { f16round(value: number): number };
};

/** Values as a tensor that is f16 stores them, in whole words. */
export function toHalves(data: Float32Array, tensor: Tensor): Float32Array<ArrayBuffer> {
  const stored = new young.Float16Array(2 * Math.ceil(data.length / 2));
  const scale = storedScale(tensor);
  for (const [i, value] of data.entries()) stored[i] = clamp(value * scale);
  return stored;
}

/** The values of a tensor from the bytes that it stores as f16. */
export function fromHalves(bytes: ArrayBuffer, tensor: Tensor): Float32Array<ArrayBuffer> {
  const [scale, stored] = [storedScale(tensor), new young.Float16Array(bytes)];
  return Float32Array.from({ length: elementsOf(tensor.shape) }, (_, i) => stored[i]! / scale);
}

function clamp(value: number): number {
  return Math.min(Math.max(value, -largest), largest);
}

/** What is stored of a tensor is so many times its value. */
export function storedScale({ dtype, kind }: Tensor): number {
  return dtype === 'f16' && kind === 'gradient' ? gradientScale : 1;
}

/** What comes back of a value that is multiplied by a scale, rounded and divided: too large becomes the largest f16, a NaN stays one. */
export function roundHalf(value: number, scale: number): number {
  return young.Math.f16round(clamp(value * scale)) / scale;
}

/** Rounds what a reference left in a tensor as storing it does. */
export function roundStored(view: View, tensor: Tensor): void {
  if (tensor.dtype !== 'f16') return;
  const scale = storedScale(tensor);
  for (let i = 0; i < view.length; i++) view[i] = roundHalf(view[i]!, scale);
}
