// References of SwiGLU and of its gradient; also the CPU backend's way with rows of odd widths. A row of x [R, 2 F] holds F gates, then F values.

import type { Op, View } from '../plan/op.ts';

export function swigluReference([x]: readonly View[], [out]: readonly View[], { inputs }: Pick<Op, 'inputs'>): void {
  const width = inputs[0]!.shape[1]! / 2;
  for (let i = 0; i < out!.length; i++) {
    const at = Math.floor(i / width) * width + i; // of the gate
    out![i] = x![at]! * logistic(x![at]!) * x![at + width]!;
  }
}

export function swigluGradientReference(
  [x, dy]: readonly View[],
  [dx]: readonly View[],
  { inputs }: Pick<Op, 'inputs'>,
): void {
  const width = inputs[0]!.shape[1]! / 2;
  for (let i = 0; i < dy!.length; i++) {
    const at = Math.floor(i / width) * width + i;
    const gate = x![at]!;
    const open = logistic(gate);
    dx![at] = dy![i]! * x![at + width]! * open * (1 + gate * (1 - open));
    dx![at + width] = dy![i]! * gate * open;
  }
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
