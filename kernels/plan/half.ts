// Numbers as f16 holds them: 11 bits, up to 65504. Gradients are far below what it resolves, so that they are multiplied by a power of
// two before they are rounded and divided by it when they are read: loss scaling without a loss that is scaled.

import type { Tensor, View } from './op.ts';

/** A gradient of 1 still fits f16, one of 1e-12 is still more than nothing. */
export const gradientScale = 2 ** 15;

const largest = 65504;

/** What is stored of a tensor is so many times its value. */
export function storedScale({ dtype, kind }: Tensor): number {
  return dtype === 'f16' && kind === 'gradient' ? gradientScale : 1;
}

/** What comes back of a value that is multiplied by a scale, rounded and divided: too large becomes the largest f16, a NaN stays one. */
export function roundHalf(value: number, scale: number): number {
  const { f16round } = Math as Math & { f16round(value: number): number }; // younger than the types
  return f16round(Math.min(Math.max(value * scale, -largest), largest)) / scale;
}

/** Rounds what a reference left in a tensor as storing it does. */
export function roundStored(view: View, tensor: Tensor): void {
  if (tensor.dtype !== 'f16') return;
  const scale = storedScale(tensor);
  for (let i = 0; i < view.length; i++) view[i] = roundHalf(view[i]!, scale);
}
