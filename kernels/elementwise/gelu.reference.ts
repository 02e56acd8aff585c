// References of GELU (Hendrycks and Gimpel, 2016; the tanh form that GPT-2 uses) and of its gradient.

import type { View } from '../plan/op.ts';

const scale = Math.sqrt(2 / Math.PI);

export function geluReference([x]: readonly View[], [y]: readonly View[]): void {
  for (let i = 0; i < x!.length; i++) {
    const value = x![i]!;
    y![i] = 0.5 * value * (1 + Math.tanh(scale * (value + 0.044715 * value ** 3)));
  }
}

export function geluGradientReference([x, dy]: readonly View[], [dx]: readonly View[]): void {
  for (let i = 0; i < x!.length; i++) {
    const value = x![i]!;
    const tanh = Math.tanh(scale * (value + 0.044715 * value ** 3));
    const slope = 0.5 * (1 + tanh) + 0.5 * value * (1 - tanh * tanh) * scale * (1 + 3 * 0.044715 * value * value);
    dx![i] = dy![i]! * slope;
  }
}
