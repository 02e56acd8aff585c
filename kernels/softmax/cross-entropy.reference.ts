// References of the cross-entropy kernels, which are also the CPU backend. Logits [N, V]; a target of V or more leaves its
// row out.

import type { View } from '../plan/op.ts';

export function crossEntropyReference([logits, targets]: readonly View[], outputs: readonly View[]): void {
  const [loss, weight, logsumexps] = outputs as [View, View, View];
  const vocabulary = logits!.length / targets!.length;
  let total = 0;
  let counted = 0;
  for (let row = 0; row < targets!.length; row++) {
    const at = row * vocabulary;
    const lse = logsumexp(logits!, at, vocabulary);
    logsumexps[row] = lse;
    if (targets![row]! >= vocabulary) continue;
    total += lse - logits![at + targets![row]!]!;
    counted++;
  }
  weight[0] = counted === 0 ? 0 : 1 / counted;
  loss[0] = total * weight[0];
}

/** dlogits = (softmax - one-hot) * weight * dloss; zero in rows that are left out. */
export function crossEntropyGradientReference(inputs: readonly View[], [out]: readonly View[]): void {
  const [logits, targets, weight, logsumexps, gradient] = inputs as [View, View, View, View, View];
  const vocabulary = logits.length / targets.length;
  const factor = weight[0]! * gradient[0]!;
  for (let row = 0; row < targets.length; row++) {
    const at = row * vocabulary;
    const target = targets[row]!;
    out!.fill(0, at, at + vocabulary); // of a row left out, whatever its logits are
    if (target >= vocabulary) continue;
    const lse = logsumexps[row]!;
    for (let v = 0; v < vocabulary; v++) out![at + v] = Math.exp(logits[at + v]! - lse) * factor;
    out![at + target] = out![at + target]! - factor;
  }
}

function logsumexp(logits: View, at: number, vocabulary: number): number {
  let highest = -Infinity;
  for (let v = 0; v < vocabulary; v++) highest = Math.max(highest, logits[at + v]!);
  let sum = 0;
  for (let v = 0; v < vocabulary; v++) sum += Math.exp(logits[at + v]! - highest);
  return highest + Math.log(sum);
}
