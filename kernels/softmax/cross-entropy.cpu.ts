// The CPU backend's cross-entropy: the reference with its exponentials in WebAssembly SIMD, where nearly all of its time goes.

import type { CpuPath, View } from '../plan/op.ts';

export const crossEntropyCpu: CpuPath = {
  scratch: ({ inputs }) => inputs[0]!.shape[1]!,
  run([logits, targets], outputs, op, wasm, scratch) {
    const [loss, weight, logsumexps] = outputs as [View, View, View];
    const [rows, vocabulary] = op.inputs[0]!.shape as [number, number];
    let total = 0;
    let counted = 0;
    for (let row = 0; row < rows; row++) {
      const at = row * vocabulary;
      const highest = copyRow(logits!, at, scratch, vocabulary);
      const lse = highest + Math.log(wasm.exponentials(scratch.byteOffset, vocabulary, highest));
      logsumexps[row] = lse;
      if (targets![row]! >= vocabulary) continue;
      total += lse - logits![at + targets![row]!]!;
      counted++;
    }
    weight[0] = counted === 0 ? 0 : 1 / counted;
    loss[0] = counted === 0 ? 0 : total / counted;
  },
};

export const crossEntropyGradientCpu: CpuPath = {
  run(inputs, [out], op, wasm) {
    const [logits, targets, weight, logsumexps, gradient] = inputs as [View, View, View, View, View];
    const [rows, vocabulary] = op.inputs[0]!.shape as [number, number];
    const factor = weight[0]! * gradient[0]!;
    out!.set(logits);
    for (let row = 0; row < rows; row++) {
      const at = row * vocabulary;
      const target = targets[row]!;
      if (target >= vocabulary) {
        out!.fill(0, at, at + vocabulary); // whatever its logits are
        continue;
      }
      wasm.exponentials(out!.byteOffset + 4 * at, vocabulary, logsumexps[row]!);
      for (let i = at; i < at + vocabulary; i++) out![i] = out![i]! * factor;
      out![at + target] = out![at + target]! - factor;
    }
  },
};

/** Copies a row into scratch and returns its highest element. */
function copyRow(from: View, at: number, to: View, length: number): number {
  let highest = -Infinity;
  for (let i = 0; i < length; i++) {
    const value = from[at + i]!;
    to[i] = value;
    if (value > highest) highest = value;
  }
  return highest;
}
