// Reference of the rotary kernel, which is also the CPU backend.

import type { Op, View } from '../plan/op.ts';

export type RotaryAttributes = {
  readonly headSize: number; // D, even
  readonly heads: number; // heads turned: the first heads * D elements of a row; the rest is copied
  readonly inverse: boolean;
};

/** `out` may be `x` itself. */
export function rotaryReference([x, angles]: readonly View[], [out]: readonly View[], op: Op): void {
  const { headSize, heads, inverse } = op.attributes as RotaryAttributes;
  const [rows, width] = op.inputs[0]!.shape as [number, number];
  const time = op.inputs[1]!.shape[0]!;
  const half = headSize / 2;
  const sign = inverse ? -1 : 1;
  out!.set(x!);
  for (let row = 0; row < rows; row++) {
    const angle = (row % time) * headSize;
    for (let at = row * width; at < row * width + heads * headSize; at += headSize) {
      for (let i = 0; i < half; i++) {
        const cosine = angles![angle + 2 * i]!;
        const sine = angles![angle + 2 * i + 1]! * sign;
        const [near, far] = [x![at + i]!, x![at + half + i]!];
        out![at + i] = near * cosine - far * sine;
        out![at + half + i] = far * cosine + near * sine;
      }
    }
  }
}
